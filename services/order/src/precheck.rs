//! What is asked before there is an order, all three at once: may this customer buy, is there enough,
//! what does it cost. A refusal here leaves no row and no fact.

use call::Call;
use money::Amount;
use peers::{Channel, Peers};
use proto::inventory::v1::inventory_service_client::InventoryServiceClient;
use proto::inventory::v1::{CheckAvailabilityRequest, ItemAvailability, StockItem};
use proto::pricing::v1::pricing_service_client::PricingServiceClient;
use proto::pricing::v1::{Money, QuoteItem, QuoteItemsRequest, QuoteItemsResponse};
use proto::user::v1::user_service_client::UserServiceClient;
use proto::user::v1::{GetProfileRequest, Profile};
use tonic::{Code, Status};

use crate::domain::draft::{BadQuote, Draft, Item, Quote};
use crate::domain::id::CustomerId;
use crate::domain::order::Line;
use crate::error::Error;

/// Those who are asked about an order, before it and while it is shown.
#[derive(Clone)]
pub struct Advisers {
    inventory: InventoryServiceClient<Channel>,
    pricing: PricingServiceClient<Channel>,
    user: UserServiceClient<Channel>,
}

impl Advisers {
    /// Finds them.
    pub fn new(peers: &Peers) -> Self {
        Self {
            // Whoever asks us asks again.
            inventory: InventoryServiceClient::new(peers.channel("inventory").once()),
            pricing: PricingServiceClient::new(peers.channel("pricing").once()),
            user: UserServiceClient::new(peers.channel("user").once()),
        }
    }

    /// The prices at which `draft` may become an order.
    ///
    /// # Errors
    /// Why it may not; if several things stand against it, always the same one.
    pub async fn quote(&self, call: &Call, draft: &Draft) -> Result<Quote, Error> {
        let (profile, availability, quoted) = tokio::join!(
            self.profile(call, draft.customer_id),
            self.availability(call, &draft.items),
            self.prices(call, draft),
        );
        let profile = profile.map_err(|error| match error {
            Error::Peer { status, .. } if status.code() == Code::NotFound => {
                Error::Field("customer_id")
            }
            error => error,
        })?;
        if !profile.can_place_orders {
            return Err(Error::UserBlocked);
        }
        let availability = availability?;
        let quoted = quoted.map_err(|status| not_quoted(status, &availability))?;
        let short = availability
            .into_iter()
            .filter(|item| !item.available)
            .map(|item| item.sku);
        let short: Vec<String> = short.collect();
        if !short.is_empty() {
            return Err(Error::Short(short));
        }
        let quote = read(quoted)?;
        quote.check(&draft.items)?;
        Ok(quote)
    }

    /// Who the customer is.
    ///
    /// # Errors
    /// The user service did not tell.
    pub async fn profile(&self, call: &Call, customer_id: CustomerId) -> Result<Profile, Error> {
        let message = GetProfileRequest {
            customer_id: customer_id.to_string(),
        };
        let response = self
            .user
            .clone()
            .get_profile(peers::request(call, message))
            .await;
        response
            .map_err(|status| peer("user", status))?
            .into_inner()
            .profile
            .ok_or(Error::Field("profile"))
    }

    /// How much of each item could be had now.
    ///
    /// # Errors
    /// Inventory did not tell.
    pub async fn availability(
        &self,
        call: &Call,
        items: &[Item],
    ) -> Result<Vec<ItemAvailability>, Error> {
        let items = items.iter().map(|item| StockItem {
            sku: item.sku.clone(),
            quantity: item.quantity,
        });
        let message = CheckAvailabilityRequest {
            items: items.collect(),
        };
        match self
            .inventory
            .clone()
            .check_availability(peers::request(call, message))
            .await
        {
            Ok(response) => Ok(response.into_inner().items),
            Err(status) if status.code() == Code::NotFound => Err(Error::SkuNotFound),
            Err(status) => Err(peer("inventory", status)),
        }
    }

    async fn prices(&self, call: &Call, draft: &Draft) -> Result<QuoteItemsResponse, Status> {
        let items = draft.items.iter();
        let items = items
            .map(|item| QuoteItem {
                sku: item.sku.clone(),
                quantity: item.quantity,
            })
            .collect();
        let currency_code = draft
            .currency
            .map(|currency| currency.to_string())
            .unwrap_or_default();
        let message = QuoteItemsRequest {
            items,
            currency_code,
            leave_out_unpriced: false,
        };
        Ok(self
            .pricing
            .clone()
            .quote_items(peers::request(call, message))
            .await?
            .into_inner())
    }
}

/// Why there is no quote. A SKU that has neither a price nor a piece in stock is no product of ours.
fn not_quoted(status: Status, availability: &[ItemAvailability]) -> Error {
    let reason = call::error::reason_of(&status);
    match (status.code(), reason) {
        (Code::NotFound, _) => Error::SkuNotFound,
        (Code::FailedPrecondition, Some((_, reason, metadata))) if reason == "NO_PRICE" => {
            let skus = metadata.get("skus").map(String::as_str).unwrap_or_default();
            let unknown = |item: &ItemAvailability| {
                item.available_quantity == 0 && skus.split(',').any(|sku| sku == item.sku)
            };
            if availability.iter().any(unknown) {
                Error::SkuNotFound
            } else {
                Error::NoPrice(status.message().to_owned())
            }
        }
        (Code::FailedPrecondition, Some((_, reason, _))) if reason == "SUM_TOO_LARGE" => {
            Error::SumTooLarge(status.message().to_owned())
        }
        _ => peer("pricing", status),
    }
}

fn peer(peer: &'static str, status: Status) -> Error {
    Error::Peer {
        peer,
        status: Box::new(status),
    }
}

fn read(quoted: QuoteItemsResponse) -> Result<Quote, BadQuote> {
    let lines = quoted.lines.into_iter().map(|line| {
        Ok(Line {
            sku: line.sku,
            quantity: line.quantity,
            unit_price: amount(line.unit_price)?,
            amount: amount(line.amount)?,
        })
    });
    Ok(Quote {
        lines: lines.collect::<Result<_, BadQuote>>()?,
        discount: amount(quoted.discount)?,
        total: amount(quoted.total)?,
    })
}

fn amount(money: Option<Money>) -> Result<Amount, BadQuote> {
    money
        .and_then(|money| money.amount())
        .ok_or(BadQuote("an amount is missing, or none"))
}
