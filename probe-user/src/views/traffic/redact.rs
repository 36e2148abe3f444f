//! Secrets in what is shown, overwritten: values of headers that authorise, of fields called like a
//! password.
//!
//! Each call is looked at by itself: a secret whose name went with the call before, or that is
//! compressed, encrypted or called otherwise, is shown.

use bytes::Bytes;

/// Stands for each byte of a secret.
const COVER: u8 = b'*';

/// Headers whose value is a secret, in lower case.
const HEADERS: &[&[u8]] = &[
    b"api-key",
    b"authorization",
    b"cookie",
    b"proxy-authorization",
    b"set-cookie",
    b"x-amz-security-token",
    b"x-api-key",
    b"x-auth-token",
    b"x-csrf-token",
    b"x-vault-token",
];

/// Fields of queries, forms and JSON whose value is, in lower case.
const FIELDS: &[&[u8]] = &[
    b"access_token",
    b"api_key",
    b"apikey",
    b"client_secret",
    b"id_token",
    b"passwd",
    b"password",
    b"pwd",
    b"refresh_token",
    b"secret",
    b"token",
    b"x-amz-security-token",
    b"x-amz-signature",
];

/// The payload as long as it was, with its secrets covered, and how many there were. What has none
/// is not copied.
#[must_use]
pub fn redact(payload: &Bytes) -> (Bytes, usize) {
    let secrets = secrets(payload);
    if secrets.is_empty() {
        return (payload.clone(), 0);
    }
    let mut covered = payload.to_vec();
    for (start, end) in &secrets {
        covered[*start..*end].fill(COVER);
    }
    (covered.into(), secrets.len())
}

/// Where they begin and end.
fn secrets(payload: &[u8]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    if payload.contains(&b':') {
        headers(payload, &mut found);
    }
    if payload.contains(&b'=') {
        assignments(payload, &mut found);
    }
    if payload.contains(&b'"') {
        strings(payload, &mut found);
    }
    found.retain(|(start, end)| start < end);
    found
}

/// `Name: value`, at the start of a line.
fn headers(payload: &[u8], found: &mut Vec<(usize, usize)>) {
    let mut start = 0;
    for line in payload.split_inclusive(|byte| *byte == b'\n') {
        if let Some(colon) = line.iter().position(|byte| *byte == b':')
            && is_one_of(HEADERS, &line[..colon])
        {
            let value = colon + 1 + line[colon + 1..].iter().take_while(|b| **b == b' ').count();
            let end = line.len()
                - line
                    .iter()
                    .rev()
                    .take_while(|b| is_end_of_line(**b))
                    .count();
            found.push((start + value, start + end));
        }
        start += line.len();
    }
}

fn is_end_of_line(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

/// `name=value`, wherever it stands.
fn assignments(payload: &[u8], found: &mut Vec<(usize, usize)>) {
    let signs = payload
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'=');
    let mut covered = 0;
    for (sign, _) in signs {
        // Part of a value: looking for its end once more would take a time that grows with the square
        // of the payload's length.
        if sign < covered {
            continue;
        }
        let before = &payload[..sign];
        let name = before
            .iter()
            .rev()
            .take_while(|byte| is_of_name(**byte))
            .count();
        if is_one_of(FIELDS, &before[sign - name..]) {
            let value = &payload[sign + 1..];
            let ends = |byte: &u8| byte.is_ascii_whitespace() || b"&;,\"'<>".contains(byte);
            let length = value.iter().position(ends).unwrap_or(value.len());
            covered = sign + 1 + length;
            found.push((sign + 1, covered));
        }
    }
}

fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// `"name": "value"`.
fn strings(payload: &[u8], found: &mut Vec<(usize, usize)>) {
    let mut at = 0;
    while let Some(open) = quote(payload, at) {
        let Some(close) = quote(payload, open + 1) else {
            return;
        };
        let after = &payload[close + 1..];
        let gap = |bytes: &[u8]| bytes.iter().take_while(|b| b.is_ascii_whitespace()).count();
        let colon = gap(after);
        at = close;
        if after.get(colon) != Some(&b':') {
            // It may have closed one that began before the payload did: it may open the next.
            continue;
        }
        let start = close + 1 + colon + 1;
        let start = start + gap(&payload[start..]);
        at = start;
        if payload.get(start) == Some(&b'"') && is_one_of(FIELDS, &payload[open + 1..close]) {
            let end = unescaped_quote(payload, start + 1);
            found.push((start + 1, end));
            at = end + 1;
        }
    }
}

fn quote(payload: &[u8], from: usize) -> Option<usize> {
    let rest = payload.get(from..)?;
    Some(from + rest.iter().position(|byte| *byte == b'"')?)
}

/// The payload's end if there is none.
fn unescaped_quote(payload: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(byte) = payload.get(at) {
        match byte {
            b'"' => return at,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    payload.len()
}

fn is_one_of(names: &[&[u8]], name: &[u8]) -> bool {
    names.iter().any(|known| known.eq_ignore_ascii_case(name))
}
