//! How the databases would carry out every statement that a program's tests run.
//!
//! [`check`] runs the other tests of the same program once more, notes each statement they send, and asks both
//! engines for its plan, told that the tables are large. What reads a table from one end to the other, or sorts what
//! it read, is a fault, if it is not among those allowed. No list of statements is kept by hand: a new query is
//! looked at as soon as any test runs it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::fs::File;
use std::path::Path;
use std::time::Duration;

use sea_orm::sqlx::{self, AssertSqlSafe, Connection, PgConnection, Row, SqliteConnection};
use secrecy::ExposeSecret;
use serde_json::Value;
use sql::Database;

use crate::database::{self, TestDatabase};
use crate::note::NOTED_TO;
use crate::process::Process;

/// How long the other tests may take together.
const TESTS_MAX: Duration = Duration::from_secs(300);

/// What a check of a program's statements goes by.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// Distinct statements of each engine at least: with fewer the tests were not seen.
    pub least: usize,
    /// Tests that are left out, by a part of their names: long ones that send nothing new.
    pub skip: &'a [&'a str],
    /// Statements that may be carried out as they are, each with the reason: their parts, in order, with `*` between.
    pub allowed: &'a [(&'a str, &'a str)],
}

/// Runs this program's other tests and demands of every statement they sent that an index leads to its rows, in the
/// order in which they are wanted. The calling test is named `plans`.
///
/// # Panics
/// With every statement that is carried out otherwise, or if there were too few.
pub async fn check<T, E: Display>(
    service: &'static str,
    migrate: impl AsyncFn(&Database) -> Result<T, E>,
    expected: Expected<'_>,
) {
    let noted = run_others(expected.skip).await;
    let [sqlite, postgres] = database::both(service, migrate).await;
    let mut faults = Vec::new();
    let mut excused = BTreeSet::new();
    for (engine, plans) in [
        ("SQLite", sqlite_plans(&sqlite, &noted).await),
        ("PostgreSQL", postgres_plans(&postgres, &noted).await),
    ] {
        let seen = plans.len();
        assert!(
            seen >= expected.least,
            "{seen} statements on {engine}, fewer than {}",
            expected.least
        );
        for (statement, faulty) in plans {
            let mut allowed = expected.allowed.iter();
            match allowed.find(|(parts, _)| holds(&statement, parts)) {
                Some((parts, _)) if !faulty.is_empty() => drop(excused.insert(*parts)),
                Some(_) => {}
                None => faults.extend(
                    faulty
                        .into_iter()
                        .map(|fault| format!("{engine}: {fault}\n    {statement}")),
                ),
            }
        }
    }
    let mut allowed = expected.allowed.iter();
    let idle = allowed.find(|(parts, _)| !excused.contains(parts));
    assert!(idle.is_none(), "nothing needs to be allowed for {idle:?}");
    assert!(faults.is_empty(), "by no index:\n{}", faults.join("\n"));
}

fn holds(statement: &str, parts: &str) -> bool {
    let mut rest = Some(statement);
    for part in parts.split('*') {
        rest = rest
            .and_then(|rest| rest.split_once(part))
            .map(|(_, rest)| rest);
    }
    rest.is_some()
}

async fn run_others(skip: &[&str]) -> BTreeSet<String> {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let (notes, output) = (
        folder.path().join("statements"),
        folder.path().join("output"),
    );
    File::create(&notes).expect("a file can be made");
    let program = std::env::current_exe().expect("a test knows its own file");
    let mut arguments = vec!["--skip", "plans"];
    for name in skip {
        arguments.extend(["--skip", name]);
    }
    let variables = [(NOTED_TO, notes.to_str().expect("a path in UTF-8"))];
    let tests = Process::start(&program, arguments, &variables, &output);
    let mut tests = tests.expect("this program can be started");
    // Whether they hold is told where they are run for it.
    let ended = tests.wait(TESTS_MAX).await;
    ended.expect("the other tests end");
    read(&notes)
}

fn read(notes: &Path) -> BTreeSet<String> {
    let text = std::fs::read_to_string(notes).expect("the notes can be read");
    let lines = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    lines.flat_map(|noted: String| statements(&noted)).collect()
}

/// The statements of one text that the services send, which alone quote every name: SQLite gets several at once, and
/// the tests themselves look into the tables too.
fn statements(noted: &str) -> Vec<String> {
    let ours = |statement: &&str| {
        let first = statement.split_whitespace().next().unwrap_or_default();
        let verbs = ["select", "insert", "update", "delete", "with"];
        verbs.contains(&first.to_lowercase().as_str())
            && statement.contains('"')
            && ![
                "seaql_migrations",
                "sqlite_master",
                "information_schema",
                "pg_class",
            ]
            .iter()
            .any(|schema| statement.contains(schema))
    };
    let parts = noted.split(';').map(str::trim).filter(ours);
    parts.map(str::to_owned).collect()
}

/// Each statement of SQLite, with what is wrong with its plan.
async fn sqlite_plans(db: &TestDatabase, noted: &BTreeSet<String>) -> Vec<(String, Vec<String>)> {
    let url = db.config().url.expose_secret();
    let mut connection = SqliteConnection::connect(url).await.expect("SQLite opens");
    let tables = plant_statistics(&mut connection).await;
    let mut plans = Vec::new();
    for statement in noted.iter().filter(|statement| !statement.contains("$1")) {
        let sql = AssertSqlSafe(format!("explain query plan {statement}"));
        let rows = match sqlx::query(sql).fetch_all(&mut connection).await {
            Ok(rows) => rows,
            Err(error) if of_another(&error, statement.contains('?')) => continue,
            Err(error) => panic!("SQLite cannot explain {statement}: {error}"),
        };
        let details: Vec<String> = rows.iter().map(|row| row.get("detail")).collect();
        plans.push((
            statement.clone(),
            judge_details(statement, &details, &tables),
        ));
    }
    plans
}

/// Whether a statement that has no plan is one of the other engine, or about a table that only a test made.
fn of_another(error: &sqlx::Error, has_values: bool) -> bool {
    let database = error.as_database_error();
    database.is_some_and(|error| {
        let unknown =
            error.message().contains("no such table") || error.code().as_deref() == Some("42P01");
        unknown || !has_values
    })
}

/// Tables, each with the partial indexes that may be read whole.
type Tables = BTreeMap<String, Vec<String>>;

/// Finds what is planned for want of anything better.
fn judge_details(statement: &str, details: &[String], tables: &Tables) -> Vec<String> {
    let (_, condition) = split_at_the_top(statement, " WHERE ").unwrap_or_default();
    let (condition, order) = condition
        .split_once(" ORDER BY ")
        .unwrap_or((condition, ""));
    let sorts = |detail: &String| detail.ends_with("FOR ORDER BY");
    // The first rows in the order of an index, whichever they are.
    let first = condition.is_empty() && statement.contains(" LIMIT ") && !details.iter().any(sorts);
    let scans = |detail: &String| {
        let scanned = detail.strip_prefix("SCAN ");
        let scanned = scanned.and_then(|rest| tables.get(rest.split(' ').next()?));
        scanned.is_some_and(|partial| !partial.iter().any(|index| detail.ends_with(index.as_str())))
    };
    let faulty = details
        .iter()
        .filter(|detail| sorts(detail) || scans(detail) && !first);
    let mut faulty: Vec<String> = faulty.cloned().collect();

    let is_used = |column: &str, operators: &[char]| {
        let ends = |detail: &String| {
            let named = |name: &str, operator| detail.contains(&format!("{name}{operator}?"));
            let mut operators = operators.iter();
            operators.any(|operator| named(column, operator) || named("rowid", operator))
        };
        details.iter().any(ends)
    };
    let outside = at_the_top(condition);
    let equal = compared(&outside, &[" = "]);
    if !order.is_empty() && !equal.is_empty() && !equal.iter().any(|column| is_used(column, &['=']))
    {
        faulty.push(format!("{} is compared row by row", equal.join(", ")));
    }
    let by = order.split([' ', ',']).next().unwrap_or_default();
    let by = by
        .trim_end_matches('"')
        .rsplit('"')
        .next()
        .unwrap_or_default();
    let from = compared(condition, &[" < ", " <= ", " > ", " >= "]);
    if from.contains(&by) && !is_used(by, &['<', '>']) {
        faulty.push(format!("goes on after a {by} from the very first row"));
    }
    faulty
}

/// What stands before and behind the first such word that stands in no brackets.
fn split_at_the_top<'a>(statement: &'a str, word: &str) -> Option<(&'a str, &'a str)> {
    let opened = |before: &str| before.matches('(').count() - before.matches(')').count();
    let mut found = statement.match_indices(word);
    let (start, _) = found.find(|(start, _)| opened(&statement[..*start]) == 0)?;
    Some((&statement[..start], &statement[start + word.len()..]))
}

/// What of a condition stands in no brackets.
fn at_the_top(condition: &str) -> String {
    let mut depth = 0_usize;
    let outside = condition.chars().filter(|character| {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0
    });
    outside.collect()
}

/// The columns that a condition compares with a value by one of the operators.
fn compared<'a>(condition: &'a str, operators: &[&str]) -> Vec<&'a str> {
    let of = |operator: &&str| {
        let pattern = format!("\"{operator}?");
        let ends: Vec<_> = condition
            .match_indices(&pattern)
            .map(|(end, _)| end)
            .collect();
        ends.into_iter()
            .filter_map(|end| condition[..end].rsplit('"').next())
    };
    operators.iter().flat_map(of).collect()
}

/// Makes SQLite believe that every table has ten million rows.
async fn plant_statistics(connection: &mut SqliteConnection) -> Tables {
    execute(connection, "analyze").await; // makes the table of statistics
    execute(connection, "delete from sqlite_stat1").await;
    let tables = "select name from sqlite_schema where type = 'table' and name not like 'sqlite_%'";
    let tables = sqlx::query_scalar::<_, String>(tables).fetch_all(&mut *connection);
    let mut planted = Tables::new();
    for table in tables.await.expect("tables can be listed") {
        let mut rows = vec![("null".to_owned(), "10000000".to_owned())];
        let indexes = "select name, \"unique\", partial, (select count(*) from pragma_index_info(list.name)) as columns \
            from pragma_index_list(?) as list";
        let indexes = sqlx::query(indexes)
            .bind(&table)
            .fetch_all(&mut *connection);
        let partial = planted.entry(table.clone()).or_default();
        for index in indexes.await.expect("indexes can be listed") {
            let (name, columns): (String, u32) = (index.get("name"), index.get("columns"));
            let last = if index.get("unique") { 1 } else { 10 };
            // Each column more tells a hundred times as many rows apart.
            let same = (1..columns).map(|column| (10_000 / 100_i64.pow(column - 1)).max(last));
            let same: Vec<_> = same.chain([last]).map(|same| format!(" {same}")).collect();
            let all = if index.get("partial") {
                1_000
            } else {
                10_000_000
            };
            if index.get("partial") {
                partial.push(name.clone());
            }
            rows.push((format!("'{name}'"), format!("{all}{}", same.concat())));
        }
        for (index, rows) in rows {
            let sql = format!("insert into sqlite_stat1 values ('{table}', {index}, '{rows}')");
            execute(connection, &sql).await;
        }
    }
    execute(connection, "analyze sqlite_schema").await; // reads what was planted
    planted
}

async fn execute(connection: &mut SqliteConnection, sql: &str) {
    let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection);
    if let Err(error) = done.await {
        panic!("SQLite refused `{sql}`: {error}");
    }
}

/// Each statement of PostgreSQL, with what is wrong with its plan. Tables are empty here, so scans and sorts are made
/// dear instead: what is still planned with one has nothing else.
async fn postgres_plans(db: &TestDatabase, noted: &BTreeSet<String>) -> Vec<(String, Vec<String>)> {
    let url = db.config().url.expose_secret();
    let mut connection = PgConnection::connect(url)
        .await
        .expect("PostgreSQL answers");
    let settings = "set enable_seqscan = off; set enable_sort = off; set jit = off";
    let set = sqlx::raw_sql(settings).execute(&mut connection).await;
    set.expect("settings are taken");
    let partial = "select indexrelid::regclass::text from pg_index where indpred is not null";
    let partial = sqlx::query_scalar::<_, String>(partial)
        .fetch_all(&mut connection)
        .await;
    let partial = partial.expect("indexes can be listed");
    let mut plans = Vec::new();
    for statement in noted.iter().filter(|statement| !statement.contains('?')) {
        let sql = AssertSqlSafe(format!("explain (generic_plan, format json) {statement}"));
        let row = match sqlx::raw_sql(sql).fetch_one(&mut connection).await {
            Ok(row) => row,
            Err(error) if of_another(&error, statement.contains("$1")) => continue,
            Err(error) => panic!("PostgreSQL cannot explain {statement}: {error}"),
        };
        let plan: Value = row.get(0);
        let mut faulty = Vec::new();
        judge_node(&plan[0]["Plan"], false, &partial, &mut faulty);
        plans.push((statement.clone(), faulty));
    }
    plans
}

/// Finds the nodes that are planned for want of anything better. The first rows of an index are as good as found, and
/// an index of some rows alone may be read whole.
fn judge_node(node: &Value, limited: bool, partial: &[String], faulty: &mut Vec<String>) {
    let text = |key: &str| node[key].as_str().unwrap_or_default();
    let (kind, index) = (text("Node Type"), text("Index Name"));
    let by_index = ["Index Scan", "Index Only Scan", "Bitmap Index Scan"].contains(&kind);
    let first = limited && node["Filter"].is_null();
    let some = partial.iter().any(|name| name == index);
    let whole = by_index && node["Index Cond"].is_null() && !first && !some;
    if node["Disabled"] == true || whole {
        let what = if whole { " of a whole index" } else { "" };
        faulty.push(format!("{kind}{what} {}{index}", text("Relation Name")));
    }
    for inner in node["Plans"].as_array().into_iter().flatten() {
        judge_node(inner, kind == "Limit", partial, faulty);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reads_or_sorts_a_table_is_found() {
        let tables = Tables::from([("things".to_owned(), vec!["things_odd".to_owned()])]);
        let ask = |condition: &str, details: &[&str]| {
            let statement = format!("SELECT \"id\" FROM \"things\"{condition}");
            let details: Vec<String> = details.iter().map(|&detail| detail.to_owned()).collect();
            judge_details(&statement, &details, &tables).len()
        };
        let by_id = "SEARCH things USING INDEX things_id (id=?)";
        let by_at = "SEARCH things USING INDEX things_at (at<?)";
        let last = r#" WHERE "at" <= ? AND "owner" = ? ORDER BY "at" DESC LIMIT ?"#;
        let from = r#" WHERE "id" = ? AND ("at" < ? OR "n" = ?) ORDER BY "at" LIMIT ?"#;
        assert_eq!(ask(r#" WHERE "id" = ?"#, &[by_id]), 0);
        assert_eq!(ask(r#" WHERE "n" = ?"#, &["SCAN things"]), 1);
        assert_eq!(
            ask(r#" WHERE "odd""#, &["SCAN things USING INDEX things_odd"]),
            0
        );
        assert_eq!(
            ask(
                r#" ORDER BY "at" LIMIT ?"#,
                &["SCAN things USING INDEX things_at"]
            ),
            0
        );
        assert_eq!(
            ask(
                r#" ORDER BY "at" LIMIT ?"#,
                &["SCAN things", "USE TEMP B-TREE FOR ORDER BY"]
            ),
            2
        );
        assert_eq!(ask(last, &[by_at]), 1, "the owner is compared in each row");
        assert_eq!(ask(from, &[by_id]), 1, "it begins at the first row");
    }
}
