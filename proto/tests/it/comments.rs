//! Everything in the contract has a sentence that starts with its name.

use std::process::Command;

use prost_reflect::prost::Message;
use prost_reflect::prost_types::{
    FileDescriptorProto, FileDescriptorSet, source_code_info::Location,
};

use super::home;

/// The files of the contract with their comments, which the checked-in
/// descriptors leave out.
fn files() -> Vec<FileDescriptorProto> {
    let folder = tempfile::tempdir().unwrap();
    let set = folder.path().join("set.bin");
    let mut protoc = Command::new(protoc_bin_vendored::protoc_bin_path().unwrap());
    protoc
        .arg("-I")
        .arg(home())
        .arg("-I")
        .arg(home().join("third_party"));
    protoc
        .arg("-I")
        .arg(protoc_bin_vendored::include_path().unwrap());
    protoc
        .arg("--include_source_info")
        .arg("--descriptor_set_out")
        .arg(&set);
    let names = super::pool();
    let ours = names
        .files()
        .filter(|file| file.package_name().starts_with("stoa."));
    let status = protoc
        .args(ours.map(|file| file.name().to_owned()))
        .status()
        .unwrap();
    assert!(status.success());
    FileDescriptorSet::decode(std::fs::read(set).unwrap().as_slice())
        .unwrap()
        .file
}

/// The name of the element at a location, if it is one that wants a sentence.
/// The numbers are those of the fields of descriptor.proto.
fn named<'a>(file: &'a FileDescriptorProto, path: &[i32]) -> Option<&'a str> {
    let at = |index: &i32| usize::try_from(*index).unwrap();
    match path {
        [4, rest @ ..] => {
            let (index, mut rest) = rest.split_first()?;
            let mut message = &file.message_type[at(index)];
            while let [3, index, deeper @ ..] = rest {
                message = &message.nested_type[at(index)];
                rest = deeper;
            }
            match rest {
                [] => message.name.as_deref(),
                [2, index] => message.field[at(index)].name.as_deref(),
                [8, index] => message.oneof_decl[at(index)].name.as_deref(),
                [4, index] => message.enum_type[at(index)].name.as_deref(),
                [4, kind, 2, value] => message.enum_type[at(kind)].value[at(value)].name.as_deref(),
                _ => None,
            }
        }
        [5, index] => file.enum_type[at(index)].name.as_deref(),
        [5, index, 2, value] => file.enum_type[at(index)].value[at(value)].name.as_deref(),
        [6, index] => file.service[at(index)].name.as_deref(),
        [6, index, 2, rpc] => file.service[at(index)].method[at(rpc)].name.as_deref(),
        [7, index] => file.extension[at(index)].name.as_deref(),
        _ => None,
    }
}

fn sentence(location: &Location, name: &str) -> bool {
    let comment = location.leading_comments().trim();
    let rest = comment.strip_prefix(name);
    rest.is_some_and(|rest| rest.starts_with(' ')) && comment.ends_with('.')
}

/// row: P10
#[test]
fn everything_has_a_sentence_that_starts_with_its_name() {
    let mut seen = 0;
    let mut bare = Vec::new();
    for file in files() {
        for location in &file.source_code_info.as_ref().unwrap().location {
            let Some(name) = named(&file, &location.path) else {
                continue;
            };
            seen += 1;
            if !sentence(location, name) {
                bare.push(format!("{}:{} {name}", file.name(), location.span[0] + 1));
            }
        }
    }
    assert!(bare.is_empty(), "without a sentence: {bare:#?}");
    assert!(seen > 700, "only {seen} elements were looked at");
}
