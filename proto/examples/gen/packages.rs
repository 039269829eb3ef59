//! The tree of modules over the generated files, and the list of all requests: what would
//! otherwise be kept by hand for each new package.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use prost_reflect::DescriptorPool;

/// The modules of one level, by name.
#[derive(Default)]
struct Module<'a> {
    /// The package that this module is.
    package: Option<&'a str>,
    below: BTreeMap<&'a str, Self>,
}

/// `packages.rs`: `stoa.order.v1` is the module `order::v1`.
pub fn write(pool: &DescriptorPool, packages: &[String]) -> String {
    let mut root = Module::default();
    for package in packages {
        let names = package.strip_prefix("stoa.").unwrap_or(package).split('.');
        let module = names.fold(&mut root, |module, name| {
            module.below.entry(name).or_default()
        });
        module.package = Some(package);
    }
    let mut text = String::new();
    for (name, module) in &root.below {
        module.write(name, &mut text);
    }
    text.push_str(&requests(pool, packages));
    text
}

impl Module<'_> {
    fn write(&self, name: &str, text: &mut String) {
        if let Some(package) = self.package {
            let _ = write!(
                text,
                "/// The package `{package}`.
                #[expect(
                    clippy::all,
                    clippy::allow_attributes,
                    clippy::allow_attributes_without_reason,
                    reason = \"generated code\"
                )]
                pub mod {name} {{ include!(\"{package}.rs\"); }}\n"
            );
            return;
        }
        let _ = write!(
            text,
            "/// The packages below `{name}`.\npub mod {name} {{\n"
        );
        for (name, module) in &self.below {
            module.write(name, text);
        }
        text.push_str("}\n");
    }
}

/// A macro that hands the name and the type of every request to another.
fn requests(pool: &DescriptorPool, packages: &[String]) -> String {
    let methods = pool
        .services()
        .flat_map(|service| service.methods().collect::<Vec<_>>());
    let mut arms: Vec<String> = methods
        .map(|method| method.input())
        .filter(|input| {
            packages
                .iter()
                .any(|package| package == input.package_name())
        })
        .map(|input| {
            let full = input.full_name();
            let path = full
                .strip_prefix("stoa.")
                .unwrap_or(full)
                .replace('.', "::");
            format!("\"{full}\" => $crate::{path},\n")
        })
        .collect();
    arms.sort();
    arms.dedup();
    format!(
        "/// Hands the full name and the type of every request of an rpc to the macro `$each`.
        #[macro_export]
        macro_rules! requests {{ ($each:ident) => {{ $each! {{\n{}}} }}; }}\n",
        arms.concat()
    )
}
