//! `UserService/WatchUserUpdates`

use axum::extract::State;
use call::{Call, ConnectError, ConnectRequest, ConnectResponse, StreamBody};
use futures::StreamExt;
use futures::stream::BoxStream;
use proto::user::v1::user_update::UpdateType;
use proto::user::v1::{UserUpdate, WatchUserRequest};

use crate::App;
use crate::domain::id::UserId;
use crate::watch::{self, Update, UserEvent};
use crate::wire::user_id;

/// Streams the changes of one account as they happen, until it is deleted.
pub async fn watch_user_updates(
    State(app): State<App>,
    call: Call,
    ConnectRequest(request): ConnectRequest<WatchUserRequest>,
) -> Result<
    ConnectResponse<StreamBody<BoxStream<'static, Result<UserUpdate, ConnectError>>>>,
    ConnectError,
> {
    let request = edge::valid(request)?;
    let id = user_id(&request.user_id)?;
    let watch = watch::open(&app, &call, id, &request.cursor).await?;
    let updates = watch::updates(app, call.caller, id, watch, request.send_heartbeats);
    let updates = updates.map(move |update| match update {
        Ok(update) => Ok(to_message(id, update)),
        Err(error) => Err(error.into()),
    });
    Ok(ConnectResponse::new(StreamBody::new(updates.boxed())))
}

fn to_message(id: UserId, update: Update) -> UserUpdate {
    let Update {
        change,
        cursor,
        gap,
    } = update;
    let Some(change) = change else {
        return UserUpdate {
            cursor,
            ..UserUpdate::default()
        }; // a heartbeat
    };
    let (kind, user) = match change {
        UserEvent::Created(user) => (UpdateType::Created, Some(user)),
        UserEvent::Updated(user) => (UpdateType::Updated, Some(user)),
        UserEvent::Deleted => (UpdateType::Deleted, None),
    };
    let user = user.map(|user| (*user).into());
    UserUpdate {
        user_id: id.to_string(),
        r#type: kind.into(),
        user,
        cursor,
        gap,
    }
}
