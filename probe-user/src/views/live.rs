//! `probe run` on a terminal: a table of edges, refreshed in place.

use std::time::Duration;

use ratatui::{
    Frame,
    layout::{Constraint, Layout},
    style::{Modifier, Style, Stylize as _},
    text::Line,
    widgets::{Cell, Row as TableRow, Table},
};

use super::edges::{LIVE_HEADER, Row, live_cells, losses};
use crate::kernel::losses::Losses;

/// What the screen shows.
#[derive(Clone, Debug)]
pub struct State {
    /// The host's name.
    pub host: String,
    /// Edges, busiest first.
    pub rows: Vec<Row>,
    /// Time between two refreshes.
    pub interval: Duration,
    /// What was seen and not kept.
    pub losses: Losses,
    /// What is wrong with the container engine.
    pub engine: Option<String>,
}

/// Draws one frame: a title, the table, and a line of keys and losses.
pub fn draw(frame: &mut Frame<'_>, state: &State) {
    let [title, table, footer] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Min(0),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    frame.render_widget(
        Line::from(vec![
            "probe ".bold(),
            state.host.clone().into(),
            format!("  {} edges", state.rows.len()).dim(),
        ]),
        title,
    );
    frame.render_widget(edges(state), table);
    let footer_line = match losses(&state.losses).or_else(|| state.engine.clone()) {
        Some(trouble) => Line::from(trouble).red(),
        None => Line::from("q quits").dim(),
    };
    frame.render_widget(footer_line, footer);
}

fn edges(state: &State) -> Table<'_> {
    let header = TableRow::new(
        LIVE_HEADER
            .iter()
            .enumerate()
            .map(|(index, title)| cell(index, (*title).to_owned())),
    )
    .style(Style::new().add_modifier(Modifier::BOLD | Modifier::REVERSED));
    let rows = state.rows.iter().map(|row| {
        let cells = live_cells(row, state.interval).into_iter().enumerate();
        TableRow::new(cells.map(|(index, text)| cell(index, text)))
    });
    let widths = [
        Constraint::Fill(1),
        Constraint::Fill(1),
        Constraint::Length(5),
        Constraint::Length(7),
        Constraint::Length(9),
        Constraint::Length(9),
        Constraint::Length(7),
        Constraint::Length(9),
        Constraint::Length(9),
    ];
    Table::new(rows, widths).header(header)
}

/// Names to the left, numbers to the right.
fn cell(index: usize, text: String) -> Cell<'static> {
    let line = Line::from(text);
    Cell::from(if index < 2 {
        line
    } else {
        line.right_aligned()
    })
}

#[cfg(test)]
mod tests {
    use ratatui::{Terminal, backend::TestBackend};

    use super::*;
    use crate::{
        kernel::flows::Counts,
        topology::{Gaps, Listener},
    };

    fn screen(width: u16, height: u16) -> String {
        let state = State {
            host: "ip-10-0-0-7".to_owned(),
            rows: vec![Row {
                source: "web".to_owned(),
                target: "cache".to_owned(),
                port: Listener::Tcp(6379),
                total: Counts {
                    opened: 20_000,
                    bytes_sent: 216_000,
                    bytes_received: 2_000_000,
                    ..Counts::default()
                },
                recent: Counts {
                    opened: 50,
                    bytes_sent: 5_400,
                    bytes_received: 50_000,
                    ..Counts::default()
                },
                join: "sequence",
                gaps: Gaps::default(),
            }],
            interval: Duration::from_secs(1),
            losses: Losses::default(),
            engine: None,
        };
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(frame, &state)).unwrap();
        terminal.backend().to_string()
    }

    #[test]
    fn a_wide_screen() {
        insta::assert_snapshot!(screen(90, 6));
    }

    #[test]
    fn a_tiny_one_does_not_panic() {
        for (width, height) in [(1, 1), (20, 5), (300, 100)] {
            screen(width, height);
        }
    }
}
