//! What is no address of a database, found before anything is opened: SQLite
//! takes any text for the name of a file, and makes one.

use sea_orm::sqlx::postgres::PgConnectOptions;

/// What the driver of PostgreSQL understands after `?`, but for what this
/// program sets itself; it lets go of anything else, though somebody meant it.
const PARAMETERS: [&str; 17] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "options",
    "options[",
];

/// Whether this is an address that is understood as it is meant.
///
/// # Errors
///
/// Why not, and what to write instead; nothing of the address itself, which
/// may hold a password.
pub(super) fn check(url: &str) -> Result<(), String> {
    if let Some(file) = url.strip_prefix("sqlite:") {
        return check_file(file).map_err(str::to_owned);
    }
    if !["postgres://", "postgresql://"]
        .iter()
        .any(|scheme| url.starts_with(scheme))
    {
        return Err("must begin with sqlite: or postgres://".to_owned());
    }
    check_postgres(url)
}

fn check_file(file: &str) -> Result<(), &'static str> {
    if file.contains(":memory:") {
        return Err(
            "must name a file, sqlite:PATH: what is kept in memory is lost with the process",
        );
    }
    if file.is_empty() || file.ends_with('/') {
        return Err("must name a file: write sqlite:PATH");
    }
    if file.starts_with("file:") {
        return Err("has a second scheme: write sqlite:PATH, the path as it is");
    }
    if file.starts_with("//") && !file.starts_with("///") {
        return Err(
            "names a host, which SQLite has not: write sqlite:PATH, or sqlite:/PATH for one from the root",
        );
    }
    if file.contains(['?', '#', '%']) {
        return Err(
            "must be sqlite:PATH, the path as it is, without `?`, `#` and `%`: it takes no parameters, and nothing in \
             it is decoded",
        );
    }
    Ok(())
}

fn check_postgres(url: &str) -> Result<(), String> {
    // What follows would be let go of in silence.
    if url.contains('#') {
        return Err("has a `#`: write %23 for one that is part of a name or a password".to_owned());
    }
    let parameters = url.split_once('?').map(|(_, parameters)| parameters);
    if parameters.is_some_and(|parameters| parameters.contains('@')) {
        return Err(
            "has an `@` after its `?`: write %3F for a `?` that is part of a name or a password, and %40 for an `@`"
                .to_owned(),
        );
    }
    for parameter in parameters.into_iter().flat_map(|all| all.split('&')) {
        let name = parameter.split('=').next().unwrap_or_default();
        let name = name.replace("%5B", "[").replace("%5b", "[");
        let known = |known: &&str| match known.strip_suffix('[') {
            Some(map) => name
                .strip_prefix(map)
                .is_some_and(|key| key.starts_with('[')),
            None => name == **known,
        };
        if !name.is_empty() && !PARAMETERS.iter().any(known) {
            return Err(format!(
                "has a parameter after `?` that is none of {}; write %3F for a `?` that is part of a name or a password",
                PARAMETERS[..PARAMETERS.len() - 1].join(", ")
            ));
        }
    }
    // The driver's own words may repeat what it did not understand.
    let read: Result<PgConnectOptions, _> = url.parse();
    read.map(drop).map_err(|_| {
        "is not understood: write postgres://USER:PASSWORD@HOST:PORT/DATABASE, and in a name or a password %23 for `#`, %25 for `%`, \
         %2F for `/`, %3A for `:`, %3F for `?` and %40 for `@`"
            .to_owned()
    })
}
