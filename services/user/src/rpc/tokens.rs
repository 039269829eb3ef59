//! The tokens that signing in and refreshing answer with.

use call::Call;
use proto::user::v1 as pb;
use token::ACCESS_LIFETIME;

use crate::App;
use crate::browser::{self, Browser};
use crate::domain::email::Email;
use crate::error::Error;
use crate::known_device::{self, Acquaintance};
use crate::sessions::SignedIn;

/// How the refresh token reaches the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// In a cookie; the answer's field stays empty.
    Cookie,
    /// In the answer.
    Body,
}

impl Carrier {
    pub fn of(use_cookie: bool) -> Self {
        if use_cookie { Self::Cookie } else { Self::Body }
    }
}

/// Signs an access token and hands the pair over.
pub async fn token_pair(
    app: &App,
    call: &Call,
    signed_in: &SignedIn,
    carrier: Carrier,
) -> Result<pb::TokenPair, Error> {
    let user = call::User {
        id: signed_in.user.id.0,
        roles: signed_in.user.roles,
        session: Some(signed_in.session.0),
    };
    let access_token = app.keyring.sign(user).await?;
    let refresh_token = match carrier {
        Carrier::Body => signed_in.refresh_token.reveal(),
        Carrier::Cookie => {
            let now = app.clock.now();
            browser::keep(call, &signed_in.refresh_token, signed_in.expires_at, now);
            String::new()
        }
    };
    let expires_in = i32::try_from(ACCESS_LIFETIME.num_seconds()).unwrap_or(i32::MAX);
    let token_type = "Bearer".to_owned();
    Ok(pb::TokenPair {
        access_token,
        refresh_token,
        token_type,
        expires_in,
    })
}

/// What a device shows of earlier times: the field's, or else the cookie's.
pub fn shown<'a>(browser: &'a Browser, field: &'a str) -> &'a str {
    match field {
        "" => browser.marks(),
        field => field,
    }
}

/// Hands over what a device shows from now on to be known by the account of this address, for as
/// long as its password is the one by which it came to know it.
pub fn device_token(
    app: &App,
    call: &Call,
    shown: &str,
    (email, by): (&Email, Acquaintance),
    carrier: Carrier,
) -> String {
    let marks = known_device::renew(&app.page_signer, &app.clock, shown, (&email.key(), by));
    match carrier {
        Carrier::Body => marks,
        Carrier::Cookie => {
            browser::keep_marks(call, &marks);
            String::new()
        }
    }
}
