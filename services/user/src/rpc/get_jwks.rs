//! `AuthService/GetJwks`

use axum::extract::State;
use call::{Call, ConnectError, ConnectRequest, ConnectResponse};
use http::HeaderValue;
use http::header::CACHE_CONTROL;
use proto::user::v1::{GetJwksRequest, GetJwksResponse, Jwk};
use token::PublicKey;

use crate::App;

/// As long as verifiers keep what they fetched: [`crate::config::JWKS_MAX_AGE`].
const CACHEABLE: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// Publishes the keys that verify access tokens.
pub async fn get_jwks(
    State(app): State<App>,
    call: Call,
    ConnectRequest(request): ConnectRequest<GetJwksRequest>,
) -> Result<ConnectResponse<GetJwksResponse>, ConnectError> {
    edge::valid(request)?;
    let keys = app.keyring.public().await?.into_iter().map(jwk).collect();
    call.response.header(CACHE_CONTROL, CACHEABLE);
    Ok(ConnectResponse::new(GetJwksResponse { keys }))
}

fn jwk(key: PublicKey) -> Jwk {
    Jwk {
        kty: "OKP".to_owned(),
        crv: "Ed25519".to_owned(),
        x: key.x(),
        kid: key.kid,
        r#use: "sig".to_owned(),
        alg: "EdDSA".to_owned(),
    }
}
