//! A fault as staff ask for it and as they are shown it: the JSON of `/faults` on the admin listener, which
//! `stoa fault` writes and reads.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use ::faults::{DELAY_MAX, End, Harm, Injection, LASTS_MAX, Listed};
use call::Code;
use edge::Contract;
use serde::{Deserialize, Serialize};

/// Crashes after the commit, which is the only place so far.
pub const AFTER_COMMIT: &str = "after-commit";

/// What is asked for; what is not named is not touched.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct FaultWish {
    /// `payment.ProcessPayment`, or `payment` for all of its rpcs.
    pub rpc: String,
    /// The code to fail with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Milliseconds by which a call begins later.
    pub delay_ms: u64,
    /// Whether answers are lost.
    pub drop: bool,
    /// `after-commit`: the process dies once the call is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crash: Option<String>,
    /// How many of a hundred calls.
    pub percent: u32,
    /// For how many seconds.
    pub seconds: u64,
}

/// A fault that stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Shown {
    /// What it was set for.
    pub rpc: String,
    /// What happens to its calls: `unavailable`, `200ms later`, `dropped`, `crash after-commit`.
    pub harm: String,
    /// To how many of a hundred.
    pub percent: u32,
    /// For how many seconds yet.
    pub seconds_left: u64,
    /// How many calls have met it.
    pub met: u64,
}

impl FaultWish {
    /// The fault that is wished for, of rpcs that `answered` says this process answers.
    ///
    /// # Errors
    ///
    /// A sentence that says what is wrong with it.
    pub fn grant(
        &self,
        contract: &Contract,
        answered: impl Fn(&str) -> bool,
    ) -> Result<(Injection, Duration), String> {
        let lasts = Duration::from_secs(self.seconds);
        let delay = Duration::from_millis(self.delay_ms);
        if !(1..=100).contains(&self.percent) {
            return Err("percent is from 1 to 100".to_owned());
        }
        if lasts.is_zero() || lasts > LASTS_MAX {
            return Err(format!("seconds are from 1 to {}", LASTS_MAX.as_secs()));
        }
        if delay > DELAY_MAX {
            return Err(format!("a delay is {} s at most", DELAY_MAX.as_secs()));
        }
        let end = self.end()?;
        if end.is_none() && delay.is_zero() {
            return Err("say what is to happen: code, delay, drop or crash".to_owned());
        }
        let fault = Injection {
            name: self.rpc.clone(),
            paths: paths(&self.rpc, contract, answered)?,
            harm: Harm { delay, end },
            percent: self.percent,
        };
        Ok((fault, lasts))
    }

    fn end(&self) -> Result<Option<End>, String> {
        let code = self.code.as_deref().map(|name| {
            let code = name.parse::<Code>();
            code.ok()
                .filter(|code| *code != Code::Ok)
                .map(End::Fails)
                .ok_or_else(|| format!("{name:?} is no code to fail with, such as `unavailable`"))
        });
        let crash = self.crash.as_deref().map(|place| match place {
            AFTER_COMMIT => Ok(End::Crashes),
            other => Err(format!("{other:?} is no place to crash: {AFTER_COMMIT} is")),
        });
        let ends = [code, crash, self.drop.then_some(Ok(End::Drops))];
        let mut ends = ends.into_iter().flatten();
        match (ends.next(), ends.next()) {
            (end, None) => end.transpose(),
            _ => Err("a call ends in one way: code, drop or crash".to_owned()),
        }
    }
}

/// The paths of the rpcs that a name is for.
fn paths(
    name: &str,
    contract: &Contract,
    answered: impl Fn(&str) -> bool,
) -> Result<HashSet<Arc<str>>, String> {
    let (context, rpc) = name
        .split_once('.')
        .map_or((name, None), |(context, rpc)| (context, Some(rpc)));
    let ours = contract
        .methods()
        .filter(|method| method.service.starts_with("stoa."));
    let named: Vec<_> = ours
        .filter(|method| *method.context == *context)
        .filter(|method| rpc.is_none_or(|rpc| rpc == &*method.name))
        .collect();
    if named.is_empty() {
        return Err(format!(
            "the contract has no rpc {name:?}: write `payment.ProcessPayment`, or `payment` for all of them"
        ));
    }
    let here = named.iter().filter(|method| answered(&method.service));
    let here: HashSet<Arc<str>> = here.map(|method| method.path.clone()).collect();
    match here.is_empty() {
        true => Err(format!(
            "this process does not answer {name}: ask the one that does, at its port + 4000"
        )),
        false => Ok(here),
    }
}

impl From<Listed> for Shown {
    fn from(listed: Listed) -> Self {
        let Harm { delay, end } = listed.fault.harm;
        let late =
            (!delay.is_zero()).then(|| format!("{} later", humantime::format_duration(delay)));
        let end = end.map(|end| match end {
            End::Fails(code) => code.as_str().to_owned(),
            End::Drops => "dropped".to_owned(),
            End::Crashes => format!("crash {AFTER_COMMIT}"),
        });
        let harm: Vec<String> = late.into_iter().chain(end).collect();
        Self {
            rpc: listed.fault.name,
            harm: harm.join(", "),
            percent: listed.fault.percent,
            seconds_left: listed.left.as_secs_f64().ceil() as u64,
            met: listed.met,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(change: impl FnOnce(&mut FaultWish)) -> Result<usize, String> {
        let contract = Contract::new(proto::DESCRIPTORS).unwrap();
        let mut wish = FaultWish {
            rpc: "payment.ProcessPayment".to_owned(),
            drop: true,
            percent: 50,
            seconds: 120,
            ..FaultWish::default()
        };
        change(&mut wish);
        let granted = wish.grant(&contract, |service| service != "stoa.user.v1.UserService");
        granted.map(|(fault, _)| fault.paths.len())
    }

    /// row: X8
    #[test]
    fn a_wish_names_rpcs_that_are_answered_here_and_one_end() {
        assert_eq!(wish(|_| {}), Ok(1));
        assert!(wish(|wish| wish.rpc = "payment".to_owned()).unwrap() > 2);
        assert_eq!(wish(|wish| wish.percent = 100), Ok(1));
        assert!(
            wish(|wish| wish.rpc = "user".to_owned()).unwrap() > 2,
            "AuthService is"
        );
        for (text, refused) in [
            (
                "contract",
                wish(|wish| wish.rpc = "payment.Nothing".to_owned()),
            ),
            ("contract", wish(|wish| wish.rpc = "grpc.Check".to_owned())),
            ("contract", wish(|wish| wish.rpc = String::new())),
            (
                "this process",
                wish(|wish| wish.rpc = "user.GetUser".to_owned()),
            ),
            ("percent", wish(|wish| wish.percent = 0)),
            ("percent", wish(|wish| wish.percent = 101)),
            ("seconds", wish(|wish| wish.seconds = 0)),
            ("seconds", wish(|wish| wish.seconds = u64::MAX)),
            ("delay", wish(|wish| wish.delay_ms = 60_001)),
            (
                "one way",
                wish(|wish| wish.code = Some("aborted".to_owned())),
            ),
            ("what is to happen", wish(|wish| wish.drop = false)),
            (
                "no code",
                wish(|wish| {
                    wish.drop = false;
                    wish.code = Some("sad".to_owned());
                }),
            ),
            (
                "no code",
                wish(|wish| {
                    wish.drop = false;
                    wish.code = Some("ok".to_owned());
                }),
            ),
            (
                "no place",
                wish(|wish| {
                    wish.drop = false;
                    wish.crash = Some("before".to_owned());
                }),
            ),
        ] {
            let said = refused.unwrap_err();
            assert!(said.contains(text), "{said}");
        }
    }
}
