//! The ledger as an auditor reads it, and what a crash leaves behind.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use uuid::Uuid;

use crate::app::TestApp;

impl TestApp {
    /// The balance of every account, after checking that every entry has its counter-entry.
    pub async fn balances(&self) -> BTreeMap<String, i64> {
        let rows = self.rows("select transaction_id, account, minor_units from ledger_entries");
        let (mut balances, mut entries) = (BTreeMap::new(), BTreeMap::<Uuid, i64>::new());
        for row in rows.await {
            let minor_units: i64 = row.try_get("", "minor_units").expect("a sum");
            let account: String = row.try_get("", "account").expect("an account");
            *balances.entry(account).or_default() += minor_units;
            let entry = row.try_get("", "transaction_id").expect("an entry");
            *entries.entry(entry).or_default() += minor_units;
        }
        assert!(entries.values().all(|sum| *sum == 0), "{entries:?}");
        balances
    }

    /// What a crash leaves that came after the provider answered and before we had written it.
    pub async fn forget(&self, order_id: &str) {
        let order: Uuid = order_id.parse().expect("an id");
        let txn = self.db.begin_write().await.expect("a transaction");
        let backend = txn.get_database_backend();
        let parameter = if backend == DbBackend::Postgres {
            "$1"
        } else {
            "?"
        };
        for sql in [
            "delete from ledger_entries where transaction_id in \
             (select id from ledger_transactions where order_id = {})",
            "delete from ledger_transactions where order_id = {}",
            "delete from payments where order_id = {}",
        ] {
            let sql = sql.replace("{}", parameter);
            txn.execute_raw(Statement::from_sql_and_values(backend, sql, [order.into()]))
                .await
                .expect("rows go");
        }
        for table in ["outbox", "idempotency_keys"] {
            txn.execute_unprepared(&format!("delete from {table}"))
                .await
                .expect("rows go");
        }
        txn.commit().await.expect("a commit");
    }

    /// How many charges the sandbox has made for all orders.
    pub async fn provider_charges(&self) -> usize {
        let sql = "select reference from sandbox_charges where transaction_id is not null";
        self.rows(sql).await.len()
    }
}
