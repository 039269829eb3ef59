//! What an app refuses to start with: each is a mistake in the program, and nobody shall find it in
//! production.

use clock::Clock;
use edge::{App, Contract, Health, Service, StartError};
use prost::Message;
use prost_reflect::prost_types::FileDescriptorSet;
use proto::pricing::v1::pricing_service_connect::PricingServiceTonicCompatibleBuilder;
use proto::pricing::v1::{GetPriceRequest, GetPriceResponse};

async fn get_price(
    _: call::ConnectRequest<GetPriceRequest>,
) -> Result<call::ConnectResponse<GetPriceResponse>, call::ConnectError> {
    Ok(call::ConnectResponse::new(GetPriceResponse::default()))
}

fn pricing() -> Service {
    let routes = PricingServiceTonicCompatibleBuilder::new().get_price(get_price);
    Service::new("pricing").mount(routes)
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
