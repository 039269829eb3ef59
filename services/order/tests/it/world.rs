//! The peers of the order service, by script: they keep their promises as the real ones do (keyed by
//! order, tombstones included), unless the script tells them to fail, to lose an answer or to be slow.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::extract::State;
use call::{Call, Caller, Code, ConnectError, ConnectRequest, ConnectResponse, Reason};
use edge::Service;
use prost::Message;
use proto::inventory::v1 as inventory;
use proto::inventory::v1::inventory_service_connect::InventoryServiceTonicCompatibleBuilder;
use proto::payment::v1 as payment;
use proto::payment::v1::payment_service_connect::PaymentServiceTonicCompatibleBuilder;
use proto::pricing::v1 as pricing;
use proto::pricing::v1::pricing_service_connect::PricingServiceTonicCompatibleBuilder;
use proto::user::v1 as user;
use proto::user::v1::user_service_connect::UserServiceTonicCompatibleBuilder;

/// What a peer does with one call instead of answering it.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// Nothing at all; the answer is this code.
    Fail(Code),
    /// What it is asked, but the answer is lost.
    Lose,
    /// What it is asked, after a while.
    Delay(Duration),
    /// Says it is away, and does it a while later all the same.
    Late(Duration),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goods {
    Reserved,
    Committed,
    Released,
    Refused,
    Expired,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charge {
    Captured(i64),
    Declined,
    /// Of how much.
    Refunded(i64),
}

/// Subject, rpc and idempotency key.
type Key = (String, String, String);

/// A key, and what it is used for.
struct Used {
    key: Key,
    hash: [u8; 32],
}

fn used(call: &Call, request: &impl Message) -> Option<Used> {
    let asked = call.idempotent(request)?;
    Some(Used {
        key: (asked.subject, asked.method, asked.key),
        hash: asked.hash,
    })
}

/// What the peers know.
#[derive(Default)]
pub struct Books {
    pub stock: BTreeMap<String, i64>,
    pub prices: BTreeMap<String, i64>,
    pub discount: i64,
    pub blocked: HashSet<String>,
    pub goods: HashMap<String, (Goods, Vec<inventory::StockItem>)>,
    pub charges: HashMap<String, Charge>,
    /// Every call that asks for an effect, as it arrives: `method order`.
    pub calls: Vec<String>,
    /// Who made them, and for whom.
    pub callers: Vec<Caller>,
    pub traces: Vec<String>,
    keys: HashMap<Key, [u8; 32]>,
    faults: HashMap<&'static str, VecDeque<Fault>>,
    always: HashMap<&'static str, Fault>,
}

/// The peers.
#[derive(Clone, Default)]
pub struct World(Arc<Mutex<Books>>);

type Answer<T> = Result<ConnectResponse<T>, ConnectError>;

impl World {
    pub fn books(&self) -> MutexGuard<'_, Books> {
        self.0.lock().expect("no test panicked with the books open")
    }

    /// Puts pieces on sale at a price in cents.
    pub fn sell(&self, sku: &str, pieces: i64, price: i64) {
        let mut books = self.books();
        books.stock.insert(sku.to_owned(), pieces);
        books.prices.insert(sku.to_owned(), price);
    }

    /// The next call of a method meets a fault; several are met one after the other.
    pub fn script(&self, method: &'static str, fault: Fault) {
        self.books()
            .faults
            .entry(method)
            .or_default()
            .push_back(fault);
    }

    /// Every call of a method meets a fault from now on, or none any more.
    pub fn always(&self, method: &'static str, fault: Option<Fault>) {
        match fault {
            Some(fault) => self.books().always.insert(method, fault),
            None => self.books().always.remove(method),
        };
    }

    /// The effects asked for so far about an order, as they arrived.
    pub fn calls_about(&self, order_id: &str) -> Vec<String> {
        let books = self.books();
        let about = books
            .calls
            .iter()
            .filter_map(|call| call.strip_suffix(&format!(" {order_id}")));
        about.map(str::to_owned).collect()
    }

    pub fn goods(&self, order_id: &str) -> Option<Goods> {
        self.books().goods.get(order_id).map(|(goods, _)| *goods)
    }

    pub fn charge(&self, order_id: &str) -> Option<Charge> {
        self.books().charges.get(order_id).copied()
    }

    /// Pieces of a SKU that are held or sold, over all orders.
    pub fn taken(&self, sku: &str) -> i64 {
        let books = self.books();
        let held = books
            .goods
            .values()
            .filter(|(goods, _)| matches!(goods, Goods::Reserved | Goods::Committed));
        let items = held
            .flat_map(|(_, items)| items)
            .filter(|item| item.sku == sku);
        items.map(|item| i64::from(item.quantity)).sum()
    }

    async fn meet<T: Send + 'static>(
        &self,
        method: &'static str,
        effect: impl FnOnce(&mut Books) -> Result<T, ConnectError> + Send + 'static,
    ) -> Answer<T> {
        let fault = {
            let mut books = self.books();
            let scripted = books.faults.get_mut(method).and_then(VecDeque::pop_front);
            scripted.or_else(|| books.always.get(method).copied())
        };
        let world = self.clone();
        match fault {
            None => {}
            Some(Fault::Fail(code)) => {
                return Err(ConnectError::new(code, "scripted: secret cause"));
            }
            Some(Fault::Delay(delay)) => tokio::time::sleep(delay).await,
            Some(Fault::Lose) => {
                let _ = effect(&mut world.books());
                return Err(ConnectError::new(Code::Unavailable, "the answer was lost"));
            }
            Some(Fault::Late(delay)) => {
                tokio::spawn(async move {
                    tokio::time::sleep(delay).await;
                    let _ = effect(&mut world.books());
                });
                return Err(ConnectError::new(Code::Unavailable, "late"));
            }
        }
        effect(&mut world.books()).map(ConnectResponse::new)
    }

    /// The peers, to be mounted.
    pub fn services(&self) -> [Service; 4] {
        let stock = InventoryServiceTonicCompatibleBuilder::new()
            .check_availability(check_availability)
            .reserve_stock(reserve_stock)
            .commit_stock(commit_stock)
            .release_stock(release_stock)
            .with_state(self.clone());
        let money = PaymentServiceTonicCompatibleBuilder::new()
            .process_payment(process_payment)
            .refund_payment(refund_payment)
            .with_state(self.clone());
        let prices = PricingServiceTonicCompatibleBuilder::new().quote_items(quote_items);
        let people = UserServiceTonicCompatibleBuilder::new().get_profile(get_profile);
        [
            Service::new("inventory").mount(stock),
            Service::new("payment").mount(money),
            Service::new("pricing").mount(prices.with_state(self.clone())),
            Service::new("user").mount(people.with_state(self.clone())),
        ]
    }
}

impl Books {
    fn note(&mut self, method: &str, order_id: &str, call: &Call) {
        self.calls.push(format!("{method} {order_id}"));
        self.callers.push(call.caller.clone());
        self.traces.push(call.trace.trace_id_hex());
    }

    /// Notes the key with the effect, and refuses one that stands for another request.
    fn claim(&mut self, used: Option<Used>) -> Result<(), ConnectError> {
        let Some(Used { key, hash }) = used else {
            return Ok(());
        };
        match *self.keys.entry(key).or_insert(hash) == hash {
            true => Ok(()),
            false => Err(ConnectError::new(Code::InvalidArgument, "a used key")),
        }
    }

    fn give_back(&mut self, items: &[inventory::StockItem]) {
        for item in items {
            *self.stock.entry(item.sku.clone()).or_default() += i64::from(item.quantity);
        }
    }

    fn take(&mut self, items: &[inventory::StockItem]) -> Result<(), ConnectError> {
        let short = |item: &&inventory::StockItem| {
            self.stock.get(&item.sku).copied().unwrap_or_default() < i64::from(item.quantity)
        };
        if items.iter().any(|item| short(&item)) {
            return Err(refused("OUT_OF_STOCK", "Out of stock"));
        }
        for item in items {
            *self.stock.entry(item.sku.clone()).or_default() -= i64::from(item.quantity);
        }
        Ok(())
    }
}

fn refused(reason: &'static str, message: &str) -> ConnectError {
    Reason::new("stoa.inventory", reason)
        .attach(ConnectError::new(Code::FailedPrecondition, message))
}

async fn check_availability(
    State(world): State<World>,
    ConnectRequest(request): ConnectRequest<inventory::CheckAvailabilityRequest>,
) -> Answer<inventory::CheckAvailabilityResponse> {
    let effect = move |books: &mut Books| {
        let items = request.items.into_iter().map(|item| {
            let available_quantity = books.stock.get(&item.sku).copied().unwrap_or_default();
            inventory::ItemAvailability {
                available: available_quantity >= i64::from(item.quantity),
                sku: item.sku,
                requested: item.quantity,
                available_quantity,
            }
        });
        let items: Vec<_> = items.collect();
        let all_available = items.iter().all(|item| item.available);
        Ok(inventory::CheckAvailabilityResponse {
            items,
            all_available,
        })
    };
    world.meet("CheckAvailability", effect).await
}

async fn reserve_stock(
    State(world): State<World>,
    call: Call,
    ConnectRequest(request): ConnectRequest<inventory::ReserveStockRequest>,
) -> Answer<inventory::ReserveStockResponse> {
    let request = edge::valid(request)?.into_inner();
    world.books().note("ReserveStock", &request.order_id, &call);
    let used = used(&call, &request);
    let effect = move |books: &mut Books| {
        books.claim(used)?;
        match books.goods.get(&request.order_id).map(|(goods, _)| *goods) {
            Some(Goods::Reserved | Goods::Committed) => {}
            Some(Goods::Released | Goods::Expired) => {
                return Err(refused("RESERVATION_RELEASED", "released"));
            }
            Some(Goods::Refused) => return Err(refused("OUT_OF_STOCK", "Out of stock")),
            None => {
                let taken = books.take(&request.items);
                let goods = if taken.is_ok() {
                    Goods::Reserved
                } else {
                    Goods::Refused
                };
                books.goods.insert(request.order_id, (goods, request.items));
                taken?;
            }
        }
        Ok(inventory::ReserveStockResponse::default())
    };
    world.meet("ReserveStock", effect).await
}

async fn commit_stock(
    State(world): State<World>,
    call: Call,
    ConnectRequest(request): ConnectRequest<inventory::CommitStockRequest>,
) -> Answer<inventory::CommitStockResponse> {
    world.books().note("CommitStock", &request.order_id, &call);
    let used = used(&call, &request);
    let effect = move |books: &mut Books| {
        books.claim(used)?;
        match books.goods.get_mut(&request.order_id) {
            Some((goods @ (Goods::Reserved | Goods::Committed), _)) => *goods = Goods::Committed,
            _ => return Err(refused("RESERVATION_EXPIRED", "expired")),
        }
        Ok(inventory::CommitStockResponse::default())
    };
    world.meet("CommitStock", effect).await
}

async fn release_stock(
    State(world): State<World>,
    call: Call,
    ConnectRequest(request): ConnectRequest<inventory::ReleaseStockRequest>,
) -> Answer<inventory::ReleaseStockResponse> {
    let request = edge::valid(request)?.into_inner();
    world.books().note("ReleaseStock", &request.order_id, &call);
    let used = used(&call, &request);
    let effect = move |books: &mut Books| {
        books.claim(used)?;
        let (goods, items) = books
            .goods
            .remove(&request.order_id)
            .unwrap_or((Goods::Released, Vec::new()));
        if matches!(goods, Goods::Reserved | Goods::Committed) {
            books.give_back(&items);
        }
        books
            .goods
            .insert(request.order_id, (Goods::Released, items));
        Ok(inventory::ReleaseStockResponse::default())
    };
    world.meet("ReleaseStock", effect).await
}

async fn process_payment(
    State(world): State<World>,
    call: Call,
    ConnectRequest(request): ConnectRequest<payment::ProcessPaymentRequest>,
) -> Answer<payment::ProcessPaymentResponse> {
    let request = edge::valid(request)?.into_inner();
    world
        .books()
        .note("ProcessPayment", &request.order_id, &call);
    let used = used(&call, &request);
    let effect = move |books: &mut Books| {
        books.claim(used)?;
        let amount = request.amount.unwrap_or_default().minor_units;
        let token = request.method.unwrap_or_default().token;
        let first = if token == "tok_declined" {
            Charge::Declined
        } else {
            Charge::Captured(amount)
        };
        let charge = *books
            .charges
            .entry(request.order_id.clone())
            .or_insert(first);
        let (status, transaction_id) = match charge {
            Charge::Captured(_) => (
                payment::PaymentStatus::Completed,
                format!("transaction of {}", request.order_id),
            ),
            Charge::Declined => (payment::PaymentStatus::Declined, String::new()),
            Charge::Refunded(_) => (payment::PaymentStatus::Refunded, String::new()),
        };
        let decline_reason = String::new();
        Ok(payment::ProcessPaymentResponse {
            status: status.into(),
            transaction_id,
            decline_reason,
        })
    };
    world.meet("ProcessPayment", effect).await
}

async fn refund_payment(
    State(world): State<World>,
    call: Call,
    ConnectRequest(request): ConnectRequest<payment::RefundPaymentRequest>,
) -> Answer<payment::RefundPaymentResponse> {
    let request = edge::valid(request)?.into_inner();
    world
        .books()
        .note("RefundPayment", &request.order_id, &call);
    let used = used(&call, &request);
    let effect = move |books: &mut Books| {
        books.claim(used)?;
        let refunded = match books.charges.get(&request.order_id) {
            Some(Charge::Captured(amount) | Charge::Refunded(amount)) => *amount,
            Some(Charge::Declined) | None => 0,
        };
        books
            .charges
            .insert(request.order_id, Charge::Refunded(refunded));
        let status = payment::PaymentStatus::Refunded.into();
        Ok(payment::RefundPaymentResponse {
            status,
            ..Default::default()
        })
    };
    world.meet("RefundPayment", effect).await
}

async fn quote_items(
    State(world): State<World>,
    ConnectRequest(request): ConnectRequest<pricing::QuoteItemsRequest>,
) -> Answer<pricing::QuoteItemsResponse> {
    let effect = move |books: &mut Books| {
        let currency_code = if request.currency_code.is_empty() {
            "EUR"
        } else {
            &request.currency_code
        };
        let money = |minor_units| pricing::Money {
            currency_code: currency_code.to_owned(),
            minor_units,
        };
        let (mut lines, mut sum) = (Vec::new(), 0);
        for item in &request.items {
            let price = books
                .prices
                .get(&item.sku)
                .filter(|_| currency_code == "EUR");
            let Some(price) = price else {
                let error = ConnectError::new(
                    Code::FailedPrecondition,
                    format!("{} has no price", item.sku),
                );
                return Err(Reason::new("stoa.pricing", "NO_PRICE")
                    .with("skus", &item.sku)
                    .attach(error));
            };
            let Some(amount) = price.checked_mul(i64::from(item.quantity)) else {
                let error = ConnectError::new(Code::FailedPrecondition, "the sum is too large");
                return Err(Reason::new("stoa.pricing", "SUM_TOO_LARGE").attach(error));
            };
            sum += amount;
            lines.push(pricing::QuoteLine {
                sku: item.sku.clone(),
                quantity: item.quantity,
                unit_price: Some(money(*price)),
                amount: Some(money(amount)),
            });
        }
        let discount = Some(money(books.discount));
        Ok(pricing::QuoteItemsResponse {
            lines,
            discount,
            total: Some(money(sum - books.discount)),
        })
    };
    world.meet("QuoteItems", effect).await
}

async fn get_profile(
    State(world): State<World>,
    ConnectRequest(request): ConnectRequest<user::GetProfileRequest>,
) -> Answer<user::GetProfileResponse> {
    let effect = move |books: &mut Books| {
        let can_place_orders = !books.blocked.contains(&request.customer_id);
        let profile = user::Profile {
            customer_id: request.customer_id,
            name: "Ada Lovelace".to_owned(),
            first_name: "Ada".to_owned(),
            can_place_orders,
        };
        Ok(user::GetProfileResponse {
            profile: Some(profile),
        })
    };
    world.meet("GetProfile", effect).await
}
