//! What an app refuses to start with: each is a mistake in the program, and nobody shall find it in
//! production.

use clock::Clock;
use edge::{App, Contract, Health, Service, StartError, get_connect};
use prost::Message;
use prost_reflect::prost_types::FileDescriptorSet;
use proto::pricing::v1::pricing_service as path;
use proto::pricing::v1::pricing_service_connect::PricingServiceTonicCompatibleBuilder;
use proto::pricing::v1::{GetPriceRequest, GetPriceResponse};

async fn get_price(
    _: call::ConnectRequest<GetPriceRequest>,
) -> Result<call::ConnectResponse<GetPriceResponse>, call::ConnectError> {
    Ok(call::ConnectResponse::new(GetPriceResponse::default()))
}

fn pricing() -> Service {
    let routes = PricingServiceTonicCompatibleBuilder::new().get_price(get_price);
    Service::new("pricing").mount(routes.build())
}

fn refusal(contract: &[u8], service: Service) -> StartError {
    let contract = Contract::new(contract).expect("the contract loads");
    let app = App::builder(contract, Clock::system(), Health::new(Default::default()));
    app.service(service).build().err().expect("it is refused")
}

/// row: X20
#[test]
fn an_rpc_without_an_access_rule_does_not_start() {
    // A set that went through these types has lost its options.
    let bare = FileDescriptorSet::decode(proto::DESCRIPTORS).expect("descriptors");
    let error = refusal(&bare.encode_to_vec(), pricing());
    let all = "/stoa.pricing.v1.PricingService/";
    assert!(matches!(error, StartError::NoAccessRule(rpc) if rpc.starts_with(all)));
}

/// row: P3
#[test]
fn what_only_reads_is_opened_to_get_and_nothing_else_is() {
    let error = refusal(proto::DESCRIPTORS, pricing());
    let reads = [path::GET_PRICE, path::BATCH_GET_PRICES, path::QUOTE_ITEMS];
    assert!(matches!(error, StartError::NoGet(rpc) if reads.contains(&rpc.as_str())));
    let opened = [
        path::GET_PRICE,
        path::BATCH_GET_PRICES,
        path::QUOTE_ITEMS,
        path::SET_PRICE,
    ];
    let open = |service: Service, path| service.get(path, get_connect(get_price), &());
    let error = refusal(proto::DESCRIPTORS, opened.into_iter().fold(pricing(), open));
    assert!(matches!(error, StartError::UnsafeGet(rpc) if rpc == path::SET_PRICE));
}
