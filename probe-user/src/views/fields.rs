//! The fields of filters as a list, and a filter that was checked.

use comfy_table::{Table, presets::NOTHING};
use serde::Serialize;

use crate::filter::{
    Filter, Kind,
    field::{Arity, Spec, TABLE},
};

#[derive(Serialize)]
struct WireFields {
    schema: &'static str,
    fields: Vec<WireField>,
}

#[derive(Serialize)]
struct WireField {
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    records: Vec<&'static str>,
    description: &'static str,
}

#[derive(Serialize)]
struct WireFilter {
    schema: &'static str,
    filter: String,
    fields: Vec<String>,
    records: Vec<&'static str>,
}

/// The kinds of record that have a field.
fn records(spec: &Spec) -> Vec<&'static str> {
    Kind::ALL
        .into_iter()
        .filter(|kind| spec.arity(*kind) != Arity::Never)
        .map(Kind::as_str)
        .collect()
}

/// A field a line: name, type, the records that have it, what it is.
#[must_use]
pub fn table() -> String {
    let mut table = Table::new();
    table
        .load_preset(NOTHING)
        .set_header(["FIELD", "TYPE", "OF", "WHAT"]);
    for spec in &TABLE {
        let records = records(spec);
        let of = if records.is_empty() {
            "nothing yet".to_owned()
        } else {
            records.join(" ")
        };
        table.add_row([
            spec.written(),
            spec.kind.to_string(),
            of,
            spec.description.to_owned(),
        ]);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
        .lines()
        .map(|line| line.trim_end().to_owned() + "\n")
        .collect()
}

/// One document and a line feed.
pub fn json() -> serde_json::Result<String> {
    let fields = TABLE.iter().map(|spec| WireField {
        name: spec.written(),
        kind: spec.kind.as_str(),
        records: records(spec),
        description: spec.description,
    });
    let list = WireFields {
        schema: "probe.fields/v1",
        fields: fields.collect(),
    };
    Ok(serde_json::to_string_pretty(&list)? + "\n")
}

/// The filter as one would write it, and what it cannot match; `never` is in the order of
/// [`Kind::ALL`].
#[must_use]
pub fn checked(filter: &Filter, never: &[Option<String>; 6]) -> String {
    let mut text = format!("{filter}\n");
    for (kind, never) in Kind::ALL.into_iter().zip(never) {
        if let Some(why) = never {
            text.extend(["never matches ", kind.noun(), ": ", why, "\n"]);
        }
    }
    text
}

/// The same as one document and a line feed.
pub fn checked_json(filter: &Filter, never: &[Option<String>; 6]) -> serde_json::Result<String> {
    let kinds = Kind::ALL.into_iter().zip(never);
    let checked = WireFilter {
        schema: "probe.filter/v1",
        filter: filter.to_string(),
        fields: filter
            .fields()
            .iter()
            .map(|field| field.spec().written())
            .collect(),
        records: kinds
            .filter(|(_, never)| never.is_none())
            .map(|(kind, _)| kind.as_str())
            .collect(),
    };
    Ok(serde_json::to_string_pretty(&checked)? + "\n")
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_field_is_listed() {
        insta::assert_snapshot!(super::table());
    }
}
