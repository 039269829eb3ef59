//! The section `[user]` of the configuration.

use std::path::PathBuf;

use chrono::TimeDelta;
use serde::Deserialize;
use slice::{Misconfigured, Settings, is_origin, within};
use token::ACCESS_LIFETIME;

use crate::domain::signing_key::Schedule;

/// How long a verifier may go on using a key set it has fetched.
pub const JWKS_MAX_AGE: TimeDelta = TimeDelta::seconds(300);
/// How far the clocks of signer and verifier may differ.
const LEEWAY: TimeDelta = TimeDelta::seconds(15);

/// How accounts, sessions and keys are kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Life of a session in days, however often it is refreshed, 1 to 90. Default 14.
    pub session_days: u32,
    /// For how many seconds a refresh token that was just used gives the same successor again,
    /// 0 to 60. Default 10.
    pub refresh_grace_seconds: u32,
    /// For how many days a key signs, 2 to 365. Default 30.
    pub key_rotation_days: u32,
    /// How many hours before its first signature a key is published, 1 to 47. Default 24.
    pub key_publish_ahead_hours: u32,
    /// Failed sign-ins that an account takes in a minute from all strangers together, and again
    /// from each device that it knows, before it refuses; 0 means any number. Default 5.
    pub failed_sign_ins_per_minute: u32,
    /// Folder into which letters are written. Default none: then nobody can have a forgotten
    /// password replaced.
    pub mail_folder: Option<PathBuf>,
    /// Where people find the shop, `https://shop.example`: the links in letters begin with it.
    /// Default none; needed where there is a folder for letters.
    pub shop_url: Option<String>,
    /// How passwords are hashed.
    pub password: PasswordConfig,
}

/// The section `[user.password]`: the cost of one hash, by argon2id.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PasswordConfig {
    /// Memory of one hash in KiB. Default 19,456.
    pub memory_kib: u32,
    /// Passes over that memory. Default 2.
    pub passes: u32,
    /// Lanes of that memory. Default 1.
    pub lanes: u32,
    /// Hashes that run at once; 0 means as many as there are cores. Default 0.
    pub concurrent_max: usize,
    /// Hashes that wait for their turn before more are refused. Default 64.
    pub queued_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            session_days: 14,
            refresh_grace_seconds: 10,
            key_rotation_days: 30,
            key_publish_ahead_hours: 24,
            failed_sign_ins_per_minute: 5,
            mail_folder: None,
            shop_url: None,
            password: PasswordConfig::default(),
        }
    }
}

impl Default for PasswordConfig {
    fn default() -> Self {
        Self {
            memory_kib: argon2::Params::DEFAULT_M_COST,
            passes: argon2::Params::DEFAULT_T_COST,
            lanes: argon2::Params::DEFAULT_P_COST,
            concurrent_max: 0,
            queued_max: 64,
        }
    }
}

impl Settings for Config {
    fn check(&self) -> Result<(), Misconfigured> {
        within("user.session_days", self.session_days, 1..=90)?;
        within(
            "user.refresh_grace_seconds",
            self.refresh_grace_seconds,
            0..=60,
        )?;
        within("user.key_rotation_days", self.key_rotation_days, 2..=365)?;
        within(
            "user.key_publish_ahead_hours",
            self.key_publish_ahead_hours,
            1..=47,
        )?;
        match &self.shop_url {
            Some(url) if !is_origin(url) => {
                let problem = "is not of the form https://host, with nothing behind it";
                return Err(Misconfigured::new("user.shop_url", problem));
            }
            None if self.mail_folder.is_some() => {
                let problem = "is missing: the links in letters begin with it";
                return Err(Misconfigured::new("user.shop_url", problem));
            }
            Some(_) | None => {}
        }
        self.password.params().map(drop)
    }

    fn insecure(&self) -> Vec<&'static str> {
        let (default, password) = (Self::default(), PasswordConfig::default());
        [
            (
                "user.session_days",
                self.session_days > default.session_days,
            ),
            (
                "user.failed_sign_ins_per_minute",
                self.failed_sign_ins_per_minute == 0,
            ),
            (
                "user.password.memory_kib",
                self.password.memory_kib < password.memory_kib,
            ),
            (
                "user.password.passes",
                self.password.passes < password.passes,
            ),
        ]
        .into_iter()
        .filter_map(|(key, weaker)| weaker.then_some(key))
        .collect()
    }
}

impl Config {
    /// The life of a session.
    pub fn session_life(&self) -> TimeDelta {
        TimeDelta::days(self.session_days.into())
    }

    /// For how long a used refresh token gives the same successor again.
    pub fn refresh_grace(&self) -> TimeDelta {
        TimeDelta::seconds(self.refresh_grace_seconds.into())
    }

    /// The times by which signing keys come and go.
    pub fn key_schedule(&self) -> Schedule {
        Schedule {
            rotation: TimeDelta::days(self.key_rotation_days.into()),
            publish_ahead: TimeDelta::hours(self.key_publish_ahead_hours.into()),
            keep: ACCESS_LIFETIME + JWKS_MAX_AGE + LEEWAY,
        }
    }
}

impl PasswordConfig {
    /// The cost in the form the library takes it.
    ///
    /// # Errors
    /// A cost that argon2 does not allow.
    pub fn params(&self) -> Result<argon2::Params, Misconfigured> {
        argon2::Params::new(self.memory_kib, self.passes, self.lanes, None).map_err(|_| {
            Misconfigured::new("user.password", "is a cost that argon2 does not allow")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// row: X20
    #[test]
    fn letters_need_an_address_of_the_shop() {
        let config = |shop_url: Option<&str>| Config {
            mail_folder: Some("mail".into()),
            shop_url: shop_url.map(str::to_owned),
            ..Config::default()
        };
        config(Some("https://shop.example:8443")).check().unwrap();
        for bad in [
            None,
            Some(""),
            Some("shop.example"),
            Some("https://shop.example/"),
            Some("https://shop.example/a"),
            Some("ftp://shop.example"),
            Some("https://a@shop.example"),
        ] {
            let refused = config(bad).check().unwrap_err().to_string();
            assert!(refused.starts_with("user.shop_url"), "{refused}");
        }
    }

    #[test]
    fn the_defaults_are_allowed_and_secure() {
        Config::default().check().unwrap();
        assert_eq!(Config::default().insecure(), Vec::<&str>::new());
    }

    /// row: X20
    #[test]
    fn a_value_out_of_range_is_named() {
        let config = Config {
            session_days: 0,
            ..Config::default()
        };
        assert!(
            config
                .check()
                .unwrap_err()
                .to_string()
                .starts_with("user.session_days")
        );
        let password = PasswordConfig {
            memory_kib: 1,
            ..PasswordConfig::default()
        };
        let config = Config {
            password,
            ..Config::default()
        };
        assert!(
            config
                .check()
                .unwrap_err()
                .to_string()
                .starts_with("user.password")
        );
    }

    /// row: X20
    #[test]
    fn a_weaker_value_is_named() {
        let password = PasswordConfig {
            memory_kib: 8,
            ..PasswordConfig::default()
        };
        let config = Config {
            password,
            failed_sign_ins_per_minute: 0,
            ..Config::default()
        };
        let expected = [
            "user.failed_sign_ins_per_minute",
            "user.password.memory_kib",
        ];
        assert_eq!(config.insecure(), expected);
    }
}
