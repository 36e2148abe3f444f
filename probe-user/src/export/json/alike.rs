//! Enums that have the same variants in the document and in the graph.

/// The same variants on both sides, there and back.
macro_rules! alike {
    ($($wire:ident: $($variant:ident)*;)*) => {$(
        impl From<topology::$wire> for $wire {
            fn from(value: topology::$wire) -> Self {
                match value { $(topology::$wire::$variant => Self::$variant,)* }
            }
        }

        impl From<$wire> for topology::$wire {
            fn from(value: $wire) -> Self {
                match value { $($wire::$variant => Self::$variant,)* }
            }
        }
    )*};
}

pub(super) use alike;
