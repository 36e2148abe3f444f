//! Sheets of `probe top` in a pipe: a table, CSV, or a JSON object a line.

use comfy_table::{CellAlignment, Table, presets::NOTHING};
use serde::{Serialize, Serializer, ser::SerializeMap as _};

use super::units::{bytes, count, printable};
use crate::{
    export::text::cut,
    top::{Cell, Column, Line, Sheet, Show},
};

/// Characters of a name in a table: a long one must not push all others off the screen.
const WIDEST: usize = 60;
/// What stands for a value that cannot be known.
const UNKNOWN: &str = "-";

/// A value for people.
#[must_use]
pub fn cell(cell: &Cell) -> String {
    let known = match cell {
        Cell::Text(text) => text.as_deref().map(printable),
        Cell::Count(number) => number.map(|number| number.to_string()),
        Cell::Bytes(number) => number.map(bytes),
        Cell::Rate(number) => number.map(|number| bytes(rounded(number))),
        Cell::Frequency(number) => number.map(|number| match number {
            // A tenth of a connection a second is not none.
            0.0 => "0".to_owned(),
            number if number < 10.0 => format!("{number:.1}"),
            number => count(rounded(number)),
        }),
        Cell::Percent(number) => number.map(|number| format!("{number:.1}")),
        Cell::Seconds(number) => number.map(|number| format!("{number:.2}")),
    };
    known.unwrap_or_else(|| UNKNOWN.to_owned())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "rates are not negative, and the cast saturates"
)]
fn rounded(number: f64) -> u64 {
    number.round() as u64
}

/// The columns that a table shows; those for wide ones too if `wide`.
pub fn shown(columns: &[Column], wide: bool) -> impl Iterator<Item = (usize, &Column)> {
    let most = if wide { Show::Wide } else { Show::Always };
    let all = columns.iter().enumerate();
    all.filter(move |(_, column)| column.show <= most)
}

/// A line a line, under titles.
#[must_use]
pub fn table(sheet: &Sheet) -> String {
    let mut table = Table::new();
    table.load_preset(NOTHING);
    let columns: Vec<_> = shown(sheet.columns, true).collect();
    table.set_header(columns.iter().map(|(_, column)| column.title));
    for line in &sheet.lines {
        let cells = columns.iter().map(|(index, column)| {
            let text = cell(&line.cells[*index]);
            fit(column.key, &text, WIDEST)
        });
        table.add_row(cells);
    }
    for ((index, _), column) in columns.iter().zip(table.column_iter_mut()) {
        let numbers = sheet
            .lines
            .first()
            .is_some_and(|line| !line.cells[*index].is_text());
        if numbers {
            column.set_cell_alignment(CellAlignment::Right);
        }
        column.set_padding((0, 2));
    }
    table
        .lines()
        .map(|line| line.trim_end().to_owned() + "\n")
        .collect()
}

/// A value of the column `key` in so many characters: of a path the end says most.
#[must_use]
pub fn fit(key: &str, text: &str, shown: usize) -> String {
    match key {
        "path" | "listener" => end_of(text, shown),
        _ => cut(text, shown).into_owned(),
    }
}

/// At most `shown` characters, the last.
fn end_of(path: &str, shown: usize) -> String {
    let more = path.chars().count().saturating_sub(shown);
    if more == 0 {
        return path.to_owned();
    }
    let rest = path.chars().skip(more + 1);
    std::iter::once('…').chain(rest).collect()
}

/// An object a line, each with the time and what it is of.
pub fn json(sheet: &Sheet, time: &str, subject: &str) -> serde_json::Result<String> {
    let mut text = String::new();
    for line in &sheet.lines {
        let object = Object {
            sheet,
            line,
            time,
            subject,
        };
        text.push_str(&serde_json::to_string(&object)?);
        text.push('\n');
    }
    Ok(text)
}

/// The titles of CSV, to be printed once.
pub fn csv_header(columns: &[Column]) -> Result<String, csv::Error> {
    let keys = columns.iter().map(|column| column.key);
    record(std::iter::once("time").chain(keys).map(str::to_owned))
}

/// A line a line, each with the time; what is not known is empty.
pub fn csv(sheet: &Sheet, time: &str) -> Result<String, csv::Error> {
    let mut text = String::new();
    for line in &sheet.lines {
        let cells = line.cells.iter().map(plain);
        text.push_str(&record(std::iter::once(time.to_owned()).chain(cells))?);
    }
    Ok(text)
}

fn record(fields: impl Iterator<Item = String>) -> Result<String, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(fields)?;
    let bytes = writer
        .into_inner()
        .map_err(csv::IntoInnerError::into_error)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A value for programs.
fn plain(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) => text.clone().unwrap_or_default(),
        Cell::Count(number) | Cell::Bytes(number) => {
            number.map(|number| number.to_string()).unwrap_or_default()
        }
        Cell::Rate(number)
        | Cell::Frequency(number)
        | Cell::Percent(number)
        | Cell::Seconds(number) => number.map(tidy).map_or_else(String::new, |n| n.to_string()),
    }
}

/// To three digits behind the point, which is more than is measured.
fn tidy(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

struct Object<'a> {
    sheet: &'a Sheet,
    line: &'a Line,
    time: &'a str,
    subject: &'a str,
}

/// In the order of the columns.
impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("time", self.time)?;
        map.serialize_entry("of", self.subject)?;
        for (column, cell) in self.sheet.columns.iter().zip(&self.line.cells) {
            match cell {
                Cell::Text(text) => map.serialize_entry(column.key, text)?,
                Cell::Count(number) | Cell::Bytes(number) => {
                    map.serialize_entry(column.key, number)?;
                }
                // Microseconds of CPU time do show.
                Cell::Seconds(number) => map.serialize_entry(column.key, number)?,
                Cell::Rate(number) | Cell::Frequency(number) | Cell::Percent(number) => {
                    map.serialize_entry(column.key, &number.map(tidy))?;
                }
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::end_of;

    #[test]
    fn of_a_path_the_end_is_shown() {
        assert_eq!(end_of("/etc/hosts", 10), "/etc/hosts");
        assert_eq!(end_of("/etc/hosts", 6), "…hosts");
        assert_eq!(end_of("/etc/é", 2), "…é");
    }
}
