//! Payload for people: nothing of it may reach a terminal as a command.

use std::fmt::Write as _;

/// Bytes on a line of hexadecimal.
const WIDTH: usize = 16;

/// As text that ends its last line. What does not print is a dot, a carriage return before a line
/// feed nothing.
pub(super) fn text(payload: &[u8], to: &mut String) {
    for chunk in payload.utf8_chunks() {
        let mut chars = chunk.valid().chars().peekable();
        while let Some(char) = chars.next() {
            match char {
                '\r' if chars.peek() == Some(&'\n') => {}
                '\n' | '\t' => to.push(char),
                char if prints(char) => to.push(char),
                _ => to.push('.'),
            }
        }
        to.extend(chunk.invalid().iter().map(|_| '.'));
    }
    if !payload.is_empty() && !to.ends_with('\n') {
        to.push('\n');
    }
}

/// Neither a control character nor one that is not seen, or turns the direction of what follows.
fn prints(char: char) -> bool {
    let hidden = matches!(char,
        '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}');
    !char.is_control() && !hidden
}

/// A line for every sixteen bytes: their place, themselves, and what of them is ASCII.
pub(super) fn hex(payload: &[u8], to: &mut String) {
    for (line, bytes) in payload.chunks(WIDTH).enumerate() {
        let _ = write!(to, "{:08x} ", line * WIDTH);
        for index in 0..WIDTH {
            let gap = if index == WIDTH / 2 { "  " } else { " " };
            match bytes.get(index) {
                Some(byte) => write!(to, "{gap}{byte:02x}"),
                None => write!(to, "{gap}  "),
            }
            .unwrap_or_default();
        }
        to.push_str("  |");
        to.extend(bytes.iter().map(|byte| match byte {
            b' '..=b'~' => char::from(*byte),
            _ => '.',
        }));
        to.push_str("|\n");
    }
}
