//! SetPromotion.

use axum::extract::State;
use call::{Call, ConnectError, ConnectRequest, ConnectResponse};
use chrono::{DateTime, SubsecRound, Utc};
use edge::Valid;
use money::Percent;
use proto::pricing::v1 as pb;
use proto::pricing::v1::{SetPromotionRequest, SetPromotionResponse, pricing_service};
use proto::wkt::Timestamp;
use uuid::Uuid;

use crate::domain::promotion::{Promotion, PromotionTarget, Window};
use crate::domain::sku::Sku;
use crate::error::Error;
use crate::{App, promotions};
use command::Command;
use futures::{FutureExt, TryFutureExt};

/// Makes or replaces a promotion.
pub async fn set_promotion(
    State(app): State<App>,
    call: Call,
    ConnectRequest(request): ConnectRequest<SetPromotionRequest>,
) -> Result<ConnectResponse<SetPromotionResponse>, ConnectError> {
    let command = Command::of(&call, pricing_service::SET_PROMOTION, &request);
    let promotion = promotion(edge::valid(request)?, app.clock.now())?;
    let answer = command::run(&app.db, &app.clock, &command, |work| {
        promotions::set(work, &promotion)
            .map_ok(|()| promotion.clone().into())
            .boxed()
    });
    Ok(answer.await?.respond(&call))
}

/// A promotion without a start starts `now`.
fn promotion(request: Valid<SetPromotionRequest>, now: DateTime<Utc>) -> Result<Promotion, Error> {
    let request = request.into_inner();
    let invalid = |field| Error::Field { field };
    let starts_at = time(request.starts_at, "starts_at")?.unwrap_or(now);
    let ends_at = time(request.ends_at, "ends_at")?;
    Ok(Promotion {
        id: Uuid::parse_str(&request.id).map_err(|_| invalid("id"))?,
        target: match request.sku.as_str() {
            "" => PromotionTarget::Everything,
            _ => PromotionTarget::Sku(Sku::new(request.sku)),
        },
        percent: Percent::new(request.percent).ok_or(invalid("percent"))?,
        min_quantity: request
            .min_quantity
            .try_into()
            .map_err(|_| invalid("min_quantity"))?,
        window: Window::new(starts_at, ends_at)?,
    })
}

/// Cut to what both databases keep.
fn time(at: Option<Timestamp>, field: &'static str) -> Result<Option<DateTime<Utc>>, Error> {
    let Some(at) = at else { return Ok(None) };
    let at = DateTime::<Utc>::try_from(at).map_err(|_| Error::Time { field })?;
    Ok(Some(at.trunc_subsecs(6)))
}

impl From<Promotion> for SetPromotionResponse {
    fn from(promotion: Promotion) -> Self {
        let sku = match promotion.target {
            PromotionTarget::Everything => String::new(),
            PromotionTarget::Sku(sku) => sku.into_string(),
        };
        let promotion = pb::Promotion {
            id: promotion.id.to_string(),
            sku,
            percent: promotion.percent.get(),
            min_quantity: i32::try_from(promotion.min_quantity).unwrap_or(i32::MAX), // it came as an i32
            starts_at: Some(promotion.window.starts_at().into()),
            ends_at: promotion.window.ends_at().map(Into::into),
        };
        Self {
            promotion: Some(promotion),
        }
    }
}
