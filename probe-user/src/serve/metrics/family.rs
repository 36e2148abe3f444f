//! Metrics, before they are written in one format or another.

/// What a metric is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// Only grows while the agent runs.
    Counter,
    /// Comes and goes.
    Gauge,
}

/// A figure.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value {
    Whole(u64),
    Real(f64),
}

/// One metric with all its samples.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) help: &'static str,
    pub(super) samples: Vec<Sample>,
}

/// One of its figures, with the labels that have a value.
#[derive(Debug)]
pub(super) struct Sample {
    pub(super) labels: Vec<(&'static str, String)>,
    pub(super) value: Value,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Families(pub(super) Vec<Family>);

impl Families {
    /// Begins a metric: all its samples follow.
    pub(super) fn metric(
        &mut self,
        name: &'static str,
        kind: Kind,
        help: &'static str,
    ) -> Metric<'_> {
        let samples = Vec::new();
        Metric(self.0.push_mut(Family {
            name,
            kind,
            help,
            samples,
        }))
    }
}

/// A metric that takes samples.
#[derive(Debug)]
pub(super) struct Metric<'a>(&'a mut Family);

impl Metric<'_> {
    /// The only one.
    pub(super) fn is(mut self, value: impl Into<Value>) {
        self.sample(&[], value);
    }

    /// One of several. A label without a value is left out: to Prometheus that is the same.
    pub(super) fn sample(&mut self, labels: &[(&'static str, &str)], value: impl Into<Value>) {
        let labels = labels.iter().filter(|(_, value)| !value.is_empty());
        self.0.samples.push(Sample {
            labels: labels
                .map(|(name, value)| (*name, (*value).to_owned()))
                .collect(),
            value: value.into(),
        });
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Whole(value)
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Whole(value.into())
    }
}

impl From<u8> for Value {
    fn from(value: u8) -> Self {
        Self::Whole(value.into())
    }
}

impl From<usize> for Value {
    fn from(value: usize) -> Self {
        Self::Whole(value as u64)
    }
}
