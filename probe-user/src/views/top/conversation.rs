//! What is said over an edge, below its heading.

use ratatui::{
    Frame,
    layout::Rect,
    style::Stylize as _,
    text::Line,
    widgets::{Paragraph, Wrap},
};

use crate::top::state::{Conversation, Drawn, Hearing};

/// Draws the latest lines, or those that were scrolled to.
pub(super) fn lines(frame: &mut Frame<'_>, conversation: &Conversation, area: Rect) -> Drawn {
    let told = match &conversation.hearing {
        Hearing::Attaching => Some(Line::from("attaching…").dim()),
        Hearing::Refused(why) => Some(Line::from(format!("cannot listen: {why}")).red()),
        Hearing::Live if conversation.count == 0 => {
            Some(Line::from("attached: nothing has been said yet").dim())
        }
        Hearing::Live => None,
    };
    if let Some(told) = told {
        frame.render_widget(Paragraph::new(told).wrap(Wrap { trim: false }), area);
    } else {
        let lines = conversation.lines().map(|(begins, line)| {
            let shown = line.chars().skip(conversation.aside).collect::<String>();
            if begins {
                Line::from(shown).cyan()
            } else {
                Line::from(shown)
            }
        });
        frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()), area);
    }
    Drawn {
        titles: u16::MAX,
        rows: area.y..area.bottom(),
        ..Drawn::default()
    }
}

/// Beside the way that leads here.
pub(super) fn count(conversation: &Conversation) -> String {
    match conversation.count {
        1 => "1 message".to_owned(),
        count => format!("{count} messages"),
    }
}

/// The keys, or what went wrong.
pub(super) fn bottom(conversation: &Conversation) -> Line<'_> {
    if conversation.lost > 0 {
        let lost = conversation.lost;
        return Line::from(format!("{lost} messages are lost, as they came too fast")).red();
    }
    let other = if conversation.hex { "text" } else { "hex" };
    Line::from(format!(
        "? keys  Esc back  x {other}  ↑ ↓ scroll  ← → aside  Space hold  q quit"
    ))
    .dim()
}
