//! `OrderService/CreateOrder`

use axum::extract::State;
use call::{Call, ConnectError, ConnectRequest, ConnectResponse};
use command::Command;
use edge::Valid;
use money::Currency;
use proto::order::v1::order_service::CREATE_ORDER;
use proto::order::v1::{CreateOrderRequest, CreateOrderResponse};

use crate::App;
use crate::checkout;
use crate::domain::draft::{Draft, Item, merge};
use crate::domain::payment_method::PaymentMethod;
use crate::error::Error;
use crate::wire::customer_id;

/// Places an order: reserves stock, takes the payment, confirms.
pub async fn create_order(
    State(app): State<App>,
    call: Call,
    ConnectRequest(request): ConnectRequest<CreateOrderRequest>,
) -> Result<ConnectResponse<CreateOrderResponse>, ConnectError> {
    let command = Command::of(&call, CREATE_ORDER, &request);
    let draft = Draft::try_from(edge::valid(request)?)?;
    if call.caller.user_id() != Some(draft.customer_id.0) {
        return Err(Error::NotTheCaller.into());
    }
    let answer = checkout::create(&app, call.clone(), command, draft).await?;
    answer.open(&call).into_result().map(ConnectResponse::new)
}

impl TryFrom<Valid<CreateOrderRequest>> for Draft {
    type Error = Error;

    fn try_from(request: Valid<CreateOrderRequest>) -> Result<Self, Error> {
        let request = request.into_inner();
        let items = request.items.into_iter();
        let items = items.map(|item| Item {
            sku: item.sku,
            quantity: item.quantity,
        });
        let currency = match request.currency_code.as_str() {
            "" => None,
            code => Some(Currency::parse(code).ok_or(Error::Field("currency_code"))?),
        };
        let method = request.payment_method;
        let method = method.ok_or(Error::Field("payment_method"))?;
        Ok(Self {
            customer_id: customer_id(&request.customer_id, "customer_id")?,
            items: merge(items)?,
            payment_method: PaymentMethod::new(method.token),
            currency,
        })
    }
}
