//! Containers: what each uses.

use super::{
    look::Look,
    sheet::{Cell, Column, Line, Of, Show},
};

/// In the order of [`lines`].
#[rustfmt::skip]
pub const COLUMNS: [Column; 21] = [
    Column { key: "name", title: "CONTAINER", show: Show::Always },
    Column { key: "id", title: "ID", show: Show::Never },
    Column { key: "image", title: "IMAGE", show: Show::Never },
    Column { key: "cpu", title: "CPU%", show: Show::Always },
    Column { key: "cpu_seconds", title: "CPU TIME", show: Show::Never },
    Column { key: "memory", title: "MEMORY", show: Show::Always },
    Column { key: "memory_limit", title: "LIMIT", show: Show::Wide },
    Column { key: "net_in", title: "NET IN/s", show: Show::Always },
    Column { key: "net_out", title: "NET OUT/s", show: Show::Always },
    Column { key: "connections", title: "CONNS", show: Show::Always },
    Column { key: "connections_opened", title: "CONN/s", show: Show::Wide },
    Column { key: "read", title: "READ/s", show: Show::Wide },
    Column { key: "written", title: "WRITE/s", show: Show::Wide },
    Column { key: "threads", title: "PIDS", show: Show::Always },
    Column { key: "throttled", title: "THROTTLED%", show: Show::Wide },
    Column { key: "cpu_pressure", title: "CPU-P%", show: Show::Wide },
    Column { key: "memory_pressure", title: "MEM-P%", show: Show::Wide },
    Column { key: "oom_kills", title: "OOM", show: Show::Wide },
    Column { key: "read_total", title: "READ", show: Show::Never },
    Column { key: "written_total", title: "WRITTEN", show: Show::Never },
    Column { key: "service", title: "SERVICE", show: Show::Never },
];

pub(super) fn lines(look: &Look<'_>) -> Vec<Line> {
    let line = |reading: &crate::usage::Reading| {
        let (container, usage) = (&reading.container, &reading.usage);
        let net = look.net_of(&container.id);
        Line {
            of: Of::Container(container.id.clone()),
            cells: vec![
                Cell::text(container.display_name()),
                Cell::text(container.id.as_str()),
                Cell::Text(container.image.clone()),
                Cell::Percent(reading.cpu_percent),
                Cell::Seconds(usage.cpu.map(|cpu| cpu.as_secs_f64())),
                Cell::Bytes(usage.memory),
                Cell::Bytes(usage.memory_limit),
                Cell::Rate(Some(net.received)),
                Cell::Rate(Some(net.sent)),
                Cell::Count(Some(net.open)),
                Cell::Frequency(Some(net.opened)),
                Cell::Rate(reading.read_rate),
                Cell::Rate(reading.write_rate),
                Cell::Count(usage.threads),
                Cell::Percent(reading.throttled_percent),
                Cell::Percent(usage.cpu_pressure),
                Cell::Percent(usage.memory_pressure),
                Cell::Count(usage.oom_kills),
                Cell::Bytes(usage.read),
                Cell::Bytes(usage.written),
                Cell::Text(super::services::of(container)),
            ],
        }
    };
    look.readings.iter().map(line).collect()
}
