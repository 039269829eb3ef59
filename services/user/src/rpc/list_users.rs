//! `UserService/ListUsers`

use axum::extract::State;
use call::{Call, ConnectError, ConnectRequest, ConnectResponse, StreamBody};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use http::{HeaderName, HeaderValue};
use proto::user::v1::{ListUsersRequest, User};
use sql::page;

use crate::App;
use crate::error::Error;
use crate::store;
use crate::store::user::Position;

/// The header that holds the token of the next page; absent on the last one.
const NEXT_PAGE_TOKEN: HeaderName = HeaderName::from_static("stoa-next-page-token");
/// What page tokens of this list are bound to.
const LIST: &str = "users";

/// Streams one page of accounts, newest first.
pub async fn list_users(
    State(app): State<App>,
    call: Call,
    ConnectRequest(request): ConnectRequest<ListUsersRequest>,
) -> Result<ConnectResponse<StreamBody<BoxStream<'static, Result<User, ConnectError>>>>, ConnectError>
{
    let request = edge::valid(request)?;
    let size = page::size(request.page_size).map_err(Error::Page)?;
    let after = app
        .page_signer
        .open(&request.page_token, &LIST)
        .map_err(Error::Page)?;
    let found = store::user::list(app.db.read(), after, size + 1).await;
    let mut users = found.map_err(Error::Store)?;
    if page::cut(&mut users, size)
        && let Some(last) = users.last()
    {
        let token = app.page_signer.sign(&Position::of(last), &LIST);
        let token = HeaderValue::try_from(token).map_err(|_| Error::Page(page::Error::Token))?;
        call.response.header(NEXT_PAGE_TOKEN, token);
    }
    let users = stream::iter(users.into_iter().map(|user| Ok(User::from(user))));
    Ok(ConnectResponse::new(StreamBody::new(users.boxed())))
}
