//! Hands each function to the generated builder. What one rpc alone converts stands in its file, what
//! several rpcs or a fact show in `wire`.

mod get_payment;
mod process_payment;
mod refund_payment;

use edge::Service;
use proto::payment::v1::payment_service_connect::PaymentServiceTonicCompatibleBuilder;

use crate::App;

/// Adds every rpc of this service.
pub fn mount(service: Service, app: &App) -> Service {
    let routes = PaymentServiceTonicCompatibleBuilder::new()
        .process_payment(process_payment::process_payment)
        .refund_payment(refund_payment::refund_payment)
        .get_payment(get_payment::get_payment)
        .with_state(app.clone());
    service.mount(routes)
}
