//! `UserService/ListUsers`

use axum::extract::State;
use call::{Call, ConnectError, ConnectRequest, ConnectResponse, StreamBody};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use http::{HeaderName, HeaderValue};
use proto::user::v1::{ListUsersRequest, User};
use sql::page;

use crate::App;
use crate::accounts;
use crate::error::Error;

/// The header that holds the token of the next page; absent on the last one.
const NEXT_PAGE_TOKEN: HeaderName = HeaderName::from_static("stoa-next-page-token");

/// Streams one page of accounts, newest first.
pub async fn list_users(
    State(app): State<App>,
    call: Call,
    ConnectRequest(request): ConnectRequest<ListUsersRequest>,
) -> Result<ConnectResponse<StreamBody<BoxStream<'static, Result<User, ConnectError>>>>, ConnectError>
{
    let request = edge::valid(request)?;
    let page = accounts::page(&app, &call.caller, request.page_size, &request.page_token).await?;
    if let Some(token) = page.next_page_token {
        let token = HeaderValue::try_from(token).map_err(|_| Error::Page(page::Error::Token))?;
        call.response.header(NEXT_PAGE_TOKEN, token);
    }
    let users = stream::iter(page.users.into_iter().map(|user| Ok(User::from(user))));
    Ok(ConnectResponse::new(StreamBody::new(users.boxed())))
}
