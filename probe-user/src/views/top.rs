//! `probe top` on a terminal: sparklines, a list, and a line of keys.

use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect, Size},
    style::{Color, Modifier, Style, Stylize as _},
    text::{Line, Text},
    widgets::{Block, Cell as TableCell, Clear, Paragraph, Row, Sparkline, Table, TableState},
};

use super::sheet::{cell, fit, shown};
use super::units::bytes;
use crate::top::state::{Drawn, State};
use columns::{SPACING, Wanted, widths};

mod columns;
mod conversation;
#[cfg(test)]
mod tests;

/// Columns that a name may take while others have to be shown.
const WIDEST: usize = 32;
/// Lines from which there is room for sparklines.
const TALL: u16 = 12;
/// Columns from which all are shown.
const WIDE: u16 = 150;

const HELP: &str = "\
↑ ↓ PgUp PgDn   mark a line
← →             sort by another column
r               the other way round
Enter           into the container: processes, connections, what is said
Esc             back
Tab, 1 to 6     containers, processes, connections, ports, services, files
/               filter this list; nothing shows all
Space           pause
x               of what is said: in hexadecimal, or as text
click           on a title: sort; on a line: mark it
wheel           mark another line (with Shift the terminal has the mouse)
q               quit";

/// Draws one frame, and says where what is.
pub fn draw(frame: &mut Frame<'_>, state: &State) -> Drawn {
    let listening = state.conversation.is_some();
    let sparks = if frame.area().height >= TALL && !listening {
        3
    } else {
        0
    };
    let [title, spark, table, footer] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(sparks),
        Constraint::Min(0),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    frame.render_widget(heading(state), title);
    if sparks > 0 {
        sparklines(frame, state, spark);
    }
    let drawn = match &state.conversation {
        Some(said) => conversation::lines(frame, said, table),
        None => list(frame, state, table),
    };
    frame.render_widget(bottom(state), footer);
    if state.help {
        help(frame);
    }
    drawn
}

/// Lines of what is said that fit on a screen: all but the heading and the keys.
#[must_use]
pub const fn room(size: Size) -> usize {
    size.height.saturating_sub(2) as usize
}

fn heading(state: &State) -> Line<'_> {
    // The way to what is said would leave no room for the rest.
    let (way, count, held) = match &state.conversation {
        Some(said) => (said.name.clone(), conversation::count(said), said.is_held()),
        None => (state.way(), state.sheet.lines.len().to_string(), false),
    };
    let mut words = vec![
        "probe top ".bold(),
        state.host.clone().into(),
        format!("  {way}  {count}").dim(),
    ];
    if let Some(filter) = state.filtering().filter(|_| state.conversation.is_none()) {
        words.push(format!("  {filter}").cyan());
    }
    if state.paused || held {
        words.push("  paused".yellow().bold());
    }
    Line::from(words)
}

/// CPU to the left, network to the right, of what is marked.
fn sparklines(frame: &mut Frame<'_>, state: &State, area: Rect) {
    let (name, cpu, net) = state.spent();
    let halves = Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).spacing(2);
    let [left, right]: [Rect; 2] = halves.areas(area);
    let cpu_now = cpu.last().copied().unwrap_or_default();
    let net_now = net.last().copied().unwrap_or_default();
    let cpu_title = format!("{name}: CPU {}.{}%", cpu_now / 100, cpu_now % 100 / 10);
    let net_title = format!("network {}/s", bytes(net_now));
    for (area, title, data, color) in [
        (left, cpu_title, cpu, Color::Green),
        (right, net_title, net, Color::Blue),
    ] {
        // The latest to the right, as many as there is room for.
        let room = usize::from(area.width);
        let from = data.len().saturating_sub(room);
        let spark = Sparkline::default()
            .block(Block::new().title(title))
            .data(&data[from..])
            .style(Style::new().fg(color));
        frame.render_widget(spark, area);
    }
}

fn list(frame: &mut Frame<'_>, state: &State, area: Rect) -> Drawn {
    let (sorting, reverse) = state.sorting();
    let wide = area.width >= WIDE;
    let columns: Vec<_> = shown(state.sheet.columns, wide)
        .map(|(index, column)| {
            let mark = match (index == sorting, reverse) {
                (true, false) => "▼",
                (true, true) => "▲",
                _ => "",
            };
            (index, format!("{}{mark}", column.title))
        })
        .collect();
    let lines = &state.sheet.lines;
    let cells: Vec<Vec<String>> = lines
        .iter()
        .map(|line| {
            columns
                .iter()
                .map(|(index, _)| cell(&line.cells[*index]))
                .collect()
        })
        .collect();
    let is_text = |index: usize| {
        lines
            .first()
            .is_some_and(|line| line.cells[index].is_text())
    };
    let wanted = columns.iter().enumerate().map(|(at, (index, title))| {
        let title = title.chars().count();
        let longest = cells.iter().map(|row| row[at].chars().count()).max();
        let longest = longest.unwrap_or_default().max(title);
        let is_text = is_text(*index);
        let last = at + 1 == columns.len();
        Wanted {
            title,
            longest: if is_text && !last {
                longest.min(WIDEST)
            } else {
                longest
            },
            is_text,
        }
    });
    let widths = widths(&wanted.collect::<Vec<_>>(), area.width);
    let mut start = area.x;
    let places = columns.iter().zip(&widths).map(|((index, _), width)| {
        let end = start.saturating_add(*width).saturating_add(SPACING);
        (std::mem::replace(&mut start, end)..end, *index)
    });
    let places = places.collect();
    let aligned = |index: usize, text: String| {
        let line = Line::from(text);
        TableCell::from(if is_text(index) {
            line
        } else {
            line.right_aligned()
        })
    };
    let fitting = &columns[..widths.len()];
    let header = fitting
        .iter()
        .map(|(index, title)| aligned(*index, title.clone()));
    let header =
        Row::new(header).style(Style::new().add_modifier(Modifier::BOLD | Modifier::REVERSED));
    let rows = cells.into_iter().map(|row| {
        let cells = fitting.iter().zip(&widths).zip(row);
        Row::new(cells.map(|(((index, _), width), text)| {
            let key = state.sheet.columns[*index].key;
            aligned(*index, fit(key, &text, usize::from(*width)))
        }))
    });
    let table = Table::new(rows, widths.iter().copied().map(Constraint::Length))
        .header(header)
        .column_spacing(SPACING)
        .row_highlight_style(Style::new().bg(Color::DarkGray));
    let marked = (!lines.is_empty()).then(|| state.selected());
    let mut at = TableState::default().with_selected(marked);
    frame.render_stateful_widget(table, area, &mut at);
    Drawn {
        titles: area.y,
        columns: places,
        rows: area.y.saturating_add(1)..area.bottom(),
        first: at.offset(),
    }
}

fn bottom(state: &State) -> Line<'_> {
    let problem = state.problem.clone().unwrap_or_default();
    if let Some(text) = &state.typing {
        return Line::from(vec![
            "filter: ".into(),
            format!("{text}▏ ").into(),
            problem.red(),
        ]);
    }
    if !problem.is_empty() {
        return Line::from(problem).red();
    }
    if let Some(said) = &state.conversation {
        return conversation::bottom(said);
    }
    if let Some(trouble) = &state.trouble {
        return Line::from(trouble.clone()).red();
    }
    Line::from("? keys  Enter in  Esc back  / filter  Space pause  q quit").dim()
}

fn help(frame: &mut Frame<'_>) {
    let text = Text::from(HELP);
    let width = u16::try_from(text.width())
        .unwrap_or(u16::MAX)
        .saturating_add(2);
    let height = u16::try_from(text.height())
        .unwrap_or(u16::MAX)
        .saturating_add(2);
    let area = frame.area();
    let area = area.centered(
        Constraint::Length(width.min(area.width)),
        Constraint::Length(height.min(area.height)),
    );
    frame.render_widget(Clear, area);
    frame.render_widget(
        Paragraph::new(text).block(Block::bordered().title("keys")),
        area,
    );
}
