//! Asks the peers what the core wants, and reads their answers: done, refused, or nobody knows.
//!
//! First run or resumed, the saga calls as the order service, acting for the customer in its state: it
//! keeps nobody's token. Each attempt is one request, see the module above. Only answers that are named
//! here are refusals; everything else may hide an effect.

use std::sync::Arc;
use std::time::Duration;

use call::{CorrelationId, Deadline, Role, User};
use clock::Clock;
use peers::{Channel, Outgoing, Peers};
use proto::inventory::v1::inventory_service_client::InventoryServiceClient;
use proto::inventory::v1::{
    CommitStockRequest, ReleaseStockRequest, ReserveStockRequest, StockItem,
};
use proto::payment::v1::payment_service_client::PaymentServiceClient;
use proto::payment::v1::{
    PaymentMethod, PaymentStatus, ProcessPaymentRequest, ProcessPaymentResponse,
    RefundPaymentRequest,
};
use telemetry::TraceContext;
use tokio::sync::{Semaphore, SemaphorePermit};
use tonic::{Code, Request, Status};

use crate::domain::order::EndReason;
use crate::saga::checkout::{Progress, Reply};
use crate::saga::record::Record;
use crate::saga::step::{Step, Task, Undo};

/// How long one attempt may take; the provider's slowest legal answer takes 2.5 s.
const ATTEMPT_MAX: Duration = Duration::from_secs(3);
/// A call that its own deadline did not end.
const GRACE: Duration = Duration::from_millis(200);

/// The peers of the checkout.
#[derive(Clone)]
pub struct Callees {
    inventory: InventoryServiceClient<Channel>,
    payment: PaymentServiceClient<Channel>,
    places: Arc<Places>,
    clock: Clock,
}

/// Calls that may be out at once, to each peer: one that hangs keeps nobody from the other.
struct Places {
    inventory: Semaphore,
    payment: Semaphore,
}

impl Callees {
    /// Finds the peers. Each is sent at most `calls_max` calls at once.
    pub fn new(peers: &Peers, clock: Clock, calls_max: usize) -> Self {
        Self {
            // Each step is asked for again here, until it is answered or its time is up.
            inventory: InventoryServiceClient::new(peers.channel("inventory").once()),
            payment: PaymentServiceClient::new(peers.channel("payment").once()),
            places: Arc::new(Places {
                inventory: Semaphore::new(calls_max),
                payment: Semaphore::new(calls_max),
            }),
            clock,
        }
    }

    /// A place among the calls that are out to whom this task asks; none for what asks nobody.
    pub async fn place(&self, record: &Record, task: Task) -> Option<SemaphorePermit<'_>> {
        let places = match task {
            Task::Do(Step::ProcessPayment) if record.order.total.is_zero() => return None,
            Task::Do(Step::ProcessPayment) | Task::Undo(Undo::RefundPayment) => {
                &self.places.payment
            }
            Task::Do(Step::ReserveInventory | Step::CommitInventory | Step::ConfirmOrder)
            | Task::Undo(Undo::ReleaseInventory) => &self.places.inventory,
        };
        places.acquire().await.ok() // they are never closed
    }

    /// Makes one attempt. It ends in time, whatever the peer does.
    pub async fn ask(&self, record: &Record, task: Task) -> Reply {
        let asked = async {
            match task {
                Task::Do(Step::ReserveInventory) => self.reserve(record, task).await,
                Task::Do(Step::ProcessPayment) => self.charge(record, task).await,
                Task::Do(Step::CommitInventory) => self.commit(record, task).await,
                Task::Do(Step::ConfirmOrder) => Reply::Done(None), // ours; the core never asks for it
                Task::Undo(Undo::ReleaseInventory) => self.release(record, task).await,
                Task::Undo(Undo::RefundPayment) => self.refund(record, task).await,
            }
        };
        match tokio::time::timeout(ATTEMPT_MAX + GRACE, asked).await {
            Ok(answer) => answer,
            Err(_) => Reply::Failed(name(Code::DeadlineExceeded)),
        }
    }

    async fn reserve(&self, record: &Record, task: Task) -> Reply {
        let items = record.order.lines.iter();
        let items = items
            .map(|line| StockItem {
                sku: line.sku.clone(),
                quantity: line.quantity,
            })
            .collect();
        let message = ReserveStockRequest {
            order_id: record.order.id.to_string(),
            items,
            ttl: None,
        };
        let request = self.request(record, message);
        match self.inventory.clone().reserve_stock(request).await {
            Ok(_) => Reply::Done(None),
            Err(status) if is_short(&status) => Reply::Refused,
            Err(status) => failed(task, record, &status),
        }
    }

    async fn charge(&self, record: &Record, task: Task) -> Reply {
        let order = &record.order;
        if order.total.is_zero() {
            return Reply::Done(None); // a promotion gave it away: there is nothing to charge
        }
        let message = ProcessPaymentRequest {
            idempotency_key: key(record, task),
            order_id: order.id.to_string(),
            customer_id: order.customer_id.to_string(),
            amount: Some(order.total.into()),
            method: Some(PaymentMethod {
                token: record.saga.payment_method.expose().to_owned(),
            }),
        };
        match self
            .payment
            .clone()
            .process_payment(self.request(record, message))
            .await
        {
            Ok(response) => charged(response.into_inner()),
            Err(status) => failed(task, record, &status),
        }
    }

    async fn commit(&self, record: &Record, task: Task) -> Reply {
        let message = CommitStockRequest {
            order_id: record.order.id.to_string(),
        };
        match self
            .inventory
            .clone()
            .commit_stock(self.request(record, message))
            .await
        {
            Ok(_) => Reply::Done(None),
            Err(status) if matches!(status.code(), Code::FailedPrecondition | Code::NotFound) => {
                Reply::Refused
            }
            Err(status) => failed(task, record, &status),
        }
    }

    async fn release(&self, record: &Record, task: Task) -> Reply {
        let reason = match ending(record) {
            Some(EndReason::CustomerRequest | EndReason::StaffRequest) => "CANCELLED",
            Some(EndReason::ReservationExpired) => "EXPIRED",
            Some(
                EndReason::OutOfStock | EndReason::PaymentDeclined | EndReason::PaymentUnavailable,
            )
            | None => "PAYMENT_FAILED",
        };
        let message = ReleaseStockRequest {
            order_id: record.order.id.to_string(),
            reason: reason.to_owned(),
        };
        match self
            .inventory
            .clone()
            .release_stock(self.request(record, message))
            .await
        {
            Ok(_) => Reply::Done(None),
            Err(status) => failed(task, record, &status),
        }
    }

    async fn refund(&self, record: &Record, task: Task) -> Reply {
        let message = RefundPaymentRequest {
            idempotency_key: key(record, task),
            order_id: record.order.id.to_string(),
            reason: ending(record)
                .map(EndReason::name)
                .unwrap_or_default()
                .to_owned(),
        };
        match self
            .payment
            .clone()
            .refund_payment(self.request(record, message))
            .await
        {
            Ok(_) => Reply::Done(None),
            Err(status) => failed(task, record, &status),
        }
    }

    fn request<T>(&self, record: &Record, message: T) -> Request<T> {
        let origin = &record.saga.origin;
        let outgoing = Outgoing {
            acting_for: Some(User {
                id: record.order.customer_id.0,
                roles: [Role::Customer].into_iter().collect(),
                session: None,
            }),
            deadline: Deadline::after(ATTEMPT_MAX),
            correlation_id: CorrelationId::parse(&origin.correlation_id)
                .unwrap_or_else(|| CorrelationId::from_uuid(record.order.id.0)),
            trace: TraceContext::parse(&origin.traceparent)
                .unwrap_or_else(|| TraceContext::root(self.clock.random(), self.clock.random())),
            idempotency_key: None, // its order guards it
            authorization: None,
            synthetic: origin.synthetic,
        };
        peers::request_as(outgoing, message)
    }
}

/// The key of a payment or a refund: the same for every attempt, in every life of this process.
fn key(record: &Record, task: Task) -> String {
    format!("{}/{}", record.order.id, task.name())
}

fn is_short(status: &Status) -> bool {
    let reason = || call::error::reason_of(status).map(|(_, reason, _)| reason);
    match status.code() {
        Code::NotFound => true, // the product is gone
        // The latter two of an order that lost its goods already: nothing brings them back.
        Code::FailedPrecondition => matches!(
            reason().as_deref(),
            Some("OUT_OF_STOCK" | "RESERVATION_EXPIRED" | "RESERVATION_RELEASED")
        ),
        _ => false,
    }
}

fn charged(response: ProcessPaymentResponse) -> Reply {
    match response.status() {
        PaymentStatus::Completed => Reply::Done(Some(response.transaction_id)),
        PaymentStatus::Declined | PaymentStatus::Refunded => Reply::Refused,
        PaymentStatus::Unspecified => Reply::Failed(name(Code::Unknown)),
    }
}

fn failed(task: Task, record: &Record, status: &Status) -> Reply {
    tracing::warn!(
        order.id = %record.order.id,
        step = task.name(),
        code = ?status.code(),
        cause = status.message(),
        "A peer did not carry out a step of the checkout, it will be asked again"
    );
    Reply::Failed(name(status.code()))
}

/// Why the order ends, while it is being undone.
fn ending(record: &Record) -> Option<EndReason> {
    match record.saga.state.progress {
        Progress::Undoing { end, .. } => Some(end.1),
        Progress::Doing { .. } | Progress::AtRest => None,
    }
}

/// A code as the timeline names it.
fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "ok",
        Code::Cancelled => "canceled",
        Code::Unknown => "unknown",
        Code::InvalidArgument => "invalid_argument",
        Code::DeadlineExceeded => "deadline_exceeded",
        Code::NotFound => "not_found",
        Code::AlreadyExists => "already_exists",
        Code::PermissionDenied => "permission_denied",
        Code::ResourceExhausted => "resource_exhausted",
        Code::FailedPrecondition => "failed_precondition",
        Code::Aborted => "aborted",
        Code::OutOfRange => "out_of_range",
        Code::Unimplemented => "unimplemented",
        Code::Internal => "internal",
        Code::Unavailable => "unavailable",
        Code::DataLoss => "data_loss",
        Code::Unauthenticated => "unauthenticated",
    }
}
