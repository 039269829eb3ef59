//! Generated validation finds what protovalidate, the reference, finds in a few
//! hundred random messages. `tests/oracle.py` wrote them down.

use prost_reflect::DynamicMessage;
use prost_reflect::prost::Message;
use proto::Validate;
use proto::bff::iot::v1 as iot;
use proto::bff::mobile::v1 as mobile;
use proto::bff::web::v1 as web;
use proto::catalog::v1 as catalog;
use proto::inventory::v1 as inventory;
use proto::notification::v1 as notification;
use proto::order::v1 as order;
use proto::payment::v1 as payment;
use proto::pricing::v1 as pricing;
use proto::recommendation::v1 as recommendation;
use proto::support::v1 as support;
use proto::user::v1 as user;
use serde_json::Value;

/// The most violations we report.
const FOUND_MAX: usize = 100;

/// Field and rule of each violation, sorted.
type Broken = Vec<(String, String)>;

fn check<M: Validate + Message + Default>(name: &str, message: Value) -> Broken {
    // By reflection, since our own JSON already refuses numbers no enum has.
    let descriptor = super::pool().get_message_by_name(name).unwrap();
    let message = DynamicMessage::deserialize(descriptor, message).unwrap();
    let message: M = message.transcode_to().unwrap();
    let violations = message.validate().into_iter();
    let mut broken: Broken = violations
        .map(|found| (found.field, found.rule_id))
        .collect();
    broken.sort();
    broken
}

macro_rules! requests {
    ($($package:literal => $module:ident { $($message:ident),+ })+) => {
        /// What our validation finds in a message given by type and JSON.
        fn broken(name: &str, message: Value) -> Broken {
            $($(
                if name == concat!($package, ".", stringify!($message)) {
                    return check::<$module::$message>(name, message);
                }
            )+)+
            panic!("{name} is not in the list of requests");
        }
    };
}

requests! {
    "stoa.bff.iot.v1" => iot { GetStatusRequest }
    "stoa.bff.mobile.v1" => mobile { GetHomeRequest }
    "stoa.bff.web.v1" => web { GetCartPageRequest, GetHomeRequest, GetOrderPageRequest, GetOrdersPageRequest, GetProductPageRequest, GetSearchPageRequest }
    "stoa.catalog.v1" => catalog { BatchGetProductsRequest, CreateProductRequest, DeleteProductRequest, GetProductRequest, ListProductsRequest, SetDisplayPriceRequest, UpdateProductRequest }
    "stoa.inventory.v1" => inventory { AdjustStockRequest, CheckAvailabilityRequest, CheckStockRequest, CommitStockRequest, GetStockLevelRequest, ReleaseStockRequest, ReserveStockRequest }
    "stoa.notification.v1" => notification { ListNotificationsRequest, MarkNotificationReadRequest }
    "stoa.order.v1" => order { CancelOrderRequest, CreateOrderRequest, GetOrderDetailsRequest, GetOrderRequest, GetOrderTimelineRequest, ListOrdersRequest, WatchOrderStatusRequest, WatchOrderUpdatesRequest }
    "stoa.payment.v1" => payment { GetPaymentRequest, ProcessPaymentRequest, RefundPaymentRequest }
    "stoa.pricing.v1" => pricing { BatchGetPricesRequest, GetPriceRequest, QuoteItemsRequest, SetPriceRequest, SetPromotionRequest }
    "stoa.recommendation.v1" => recommendation { GetRecommendationsRequest, GetSuggestionsRequest }
    "stoa.support.v1" => support { ChatSessionRequest, CloseSessionRequest, CreateSessionRequest, GetSessionRequest, ListMessagesRequest, ListSessionsRequest, SendMessageRequest, WatchSessionRequest }
    "stoa.user.v1" => user { BlockUserRequest, CreateUserRequest, DeleteUserRequest, GetJwksRequest, GetProfileRequest, GetUserRequest, ListUsersRequest, RefreshRequest, SetPasswordRequest, SignInRequest, SignOutRequest, SignUpRequest, UnblockUserRequest, UpdateUserRequest, WatchUserRequest }
}

/// row: P18
#[test]
fn the_reference_finds_the_same() {
    let mut seen = 0;
    for line in include_str!("../oracle.jsonl").lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let expected: Broken = serde_json::from_value(case["broken"].clone()).unwrap();
        let ours = broken(case["type"].as_str().unwrap(), case["message"].clone());
        if expected.len() <= FOUND_MAX {
            assert_eq!(ours, expected, "{line:.500}");
        } else {
            assert_eq!(ours.len(), FOUND_MAX, "{line:.500}");
            assert!(
                ours.iter().all(|found| expected.contains(found)),
                "{line:.500}"
            );
        }
        seen += 1;
    }
    assert!(seen > 500, "only {seen} messages were looked at");
}

/// Every request of every rpc is among the messages.
///
/// row: P18
#[test]
fn no_request_is_left_out() {
    let cases = include_str!("../oracle.jsonl");
    for rpc in super::rpcs(&super::pool()) {
        let name = format!("\"type\": \"{}\"", rpc.input().full_name());
        assert!(
            cases.contains(&name),
            "run tests/oracle.py: {name} is missing"
        );
    }
}
