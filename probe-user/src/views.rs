//! What people see in a terminal.

pub mod answers;
pub mod backlogs;
pub mod changes;
pub mod completeness;
pub mod doctor;
pub mod ecs;
pub mod edges;
pub mod events;
pub mod fields;
pub mod full_screen;
pub mod live;
pub mod processes;
pub mod sheet;
pub mod top;
pub mod traffic;
pub mod units;
