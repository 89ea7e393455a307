//! Figures of the running server, in the text format of Prometheus.
//!
//! Labels are bounded, whatever is sent: a call is a path of our tables or `unknown`. Counters of a call are found by
//! their place in a table once they have been used, without a lock or a hash.

use crate::{access_log::UNKNOWN, call::Reply, outbox::Backlog, probes::PROBES, routes::ROUTES};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, prometheus_text},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::{ConstGauge, Gauge},
        histogram::Histogram,
        info::Info,
    },
    registry::{Registry, Unit},
};
use rollcall_codec::format::Format;
use rollcall_model::response_code::ResponseCode;
use rollcall_store::{figures::Figures, transaction::Store};
use std::{
    fmt, fs,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

/// The media type of [`Metrics::page`].
pub(crate) const MEDIA_TYPE: &str = prometheus_text::CONTENT_TYPE;

/// Upper bounds of what the histogram of durations tells apart, in seconds.
const BUCKETS: [f64; 14] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

type ReadFigure = fn(Figures) -> Option<u64>;

/// Table: what is shown of a store.
const STORE_FIGURES: &[(&str, &str, ReadFigure)] = &[
    ("rollcall_store_waiting", "Writes that wait for the store", |figures| figures.waiting),
    ("rollcall_store_commits", "Commits since the store was opened", |figures| figures.commits),
    ("rollcall_store_jobs", "Writes that were kept since the store was opened", |figures| figures.jobs),
    ("rollcall_store_written_bytes", "Bytes written to the log since it was opened", |figures| figures.bytes_written),
    ("rollcall_store_profiles", "Profiles of all databases", |figures| figures.profiles),
    ("rollcall_store_events", "Events in the outbox, those that were given up included", |figures| figures.events),
];

type Label = [(&'static str, &'static str); 1];

/// All figures.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// One a call; the last is the unknown one.
    calls: Vec<CallFigures>,
    requests: Family<RequestLabels, Counter>,
    durations: Family<Label, Histogram, fn() -> Histogram>,
    under_way: Gauge,
    received: Counter,
    sent: Counter,
    reloads: Family<Label, Counter>,
    refused: Family<Label, Counter>,
    sampled: Arc<Sampled>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    call: &'static str,
    format: &'static str,
    code: u16,
    reason: &'static str,
}

/// What is counted of one call; made when it is first used, so that the page shows nothing that never happened.
#[derive(Debug)]
struct CallFigures {
    call: &'static str,
    duration: OnceLock<Histogram>,
    /// By format and response code.
    requests: Vec<OnceLock<Counter>>,
}

impl CallFigures {
    fn of(call: &'static str) -> Self {
        let slots = Format::ALL.len() * ResponseCode::ALL.len();
        Self { call, duration: OnceLock::new(), requests: std::iter::repeat_with(OnceLock::new).take(slots).collect() }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let known = ROUTES.iter().map(|route| route.path).chain(PROBES.iter().map(|probe| probe.path));
        let metrics = Self {
            registry: Registry::default(),
            calls: known.chain([UNKNOWN]).map(CallFigures::of).collect(),
            requests: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            under_way: Gauge::default(),
            received: Counter::default(),
            sent: Counter::default(),
            reloads: Family::default(),
            refused: Family::default(),
            sampled: Arc::default(),
        };
        metrics.registered()
    }
}

impl Metrics {
    fn registered(mut self) -> Self {
        let registry = &mut self.registry;
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("rollcall_build", "The version that runs", build);
        registry.register("rollcall_requests", "Requests that were answered", self.requests.clone());
        let help = "From a request's head to its answer, without sending that";
        registry.register_with_unit("rollcall_request_duration", help, Unit::Seconds, self.durations.clone());
        registry.register("rollcall_requests_under_way", "Requests that are being answered", self.under_way.clone());
        registry.register("rollcall_received_bytes", "Bytes of bodies that were read", self.received.clone());
        registry.register("rollcall_sent_bytes", "Bytes of bodies of answers", self.sent.clone());
        let help = "World files that were read again, by whether they were sound";
        registry.register("rollcall_world_reloads", help, self.reloads.clone());
        let help = "Requests refused since the token's allowance was used up, by which one";
        registry.register("rollcall_allowance_refusals", help, self.refused.clone());
        registry.register_collector(Box::new(Arc::clone(&self.sampled)));
        if resident_bytes().is_some() {
            self.sample("process_resident_memory_bytes", "Memory that the process occupies", resident_bytes);
        }
        self
    }

    /// Has a gauge that is read whenever somebody looks, and not shown while there is nothing to read.
    fn sample(&self, name: &'static str, help: &'static str, read: impl Fn() -> Option<u64> + Send + Sync + 'static) {
        self.sampled.locked().push(Sample { name, help, read: Box::new(read) });
    }

    /// Has a gauge of how many events wait to be delivered.
    pub(crate) fn watch_backlog(&self, backlog: &Arc<Backlog>) {
        let backlog = Arc::clone(backlog);
        let waiting = move || u64::try_from(backlog.waiting()).ok();
        self.sample("rollcall_trigger_backlog", "Events that wait to be delivered", waiting);
    }

    /// Has gauges of what the store tells of itself.
    pub(crate) fn watch_store(&self, store: &Arc<dyn Store>) {
        for &(name, help, read) in STORE_FIGURES {
            let store = Arc::clone(store);
            self.sample(name, help, move || read(store.figures()));
        }
    }

    /// Counts a request as being under way, for as long as the value lives.
    pub(crate) fn under_way(&self) -> UnderWay {
        self.under_way.inc();
        UnderWay(self.under_way.clone())
    }

    /// Counts an answered request.
    pub(crate) fn count(&self, call: &'static str, received: usize, reply: &Reply, took: Duration) {
        self.received.inc_by(received as u64);
        self.sent.inc_by(reply.body.len() as u64);
        let place = self.calls.iter().position(|known| known.call == call).unwrap_or(self.calls.len() - 1);
        let figures = &self.calls[place];
        let duration = || self.durations.get_or_create_owned(&[("call", figures.call)]);
        figures.duration.get_or_init(duration).observe(took.as_secs_f64());
        let code = reply.code;
        let slot = reply.format as usize * ResponseCode::ALL.len() + code as usize;
        let labels = || RequestLabels {
            call: figures.call,
            format: reply.format.name(),
            code: code.number(),
            reason: code.name(),
        };
        figures.requests[slot].get_or_init(|| self.requests.get_or_create_owned(&labels())).inc();
        match code {
            ResponseCode::TooManyRequests => self.count_refusal("rate"),
            ResponseCode::TariffLimit => self.count_refusal("tariff"),
            _ => {}
        }
    }

    fn count_refusal(&self, allowance: &'static str) {
        self.refused.get_or_create(&[("allowance", allowance)]).inc();
    }

    /// Counts that the world file was read again.
    pub(crate) fn count_reload(&self, is_sound: bool) {
        let result = if is_sound { "ok" } else { "failed" };
        self.reloads.get_or_create(&[("result", result)]).inc();
    }

    /// All figures as they are now.
    pub fn page(&self) -> Result<String, fmt::Error> {
        let mut page = String::new();
        prometheus_text::encode(&mut page, &self.registry)?;
        Ok(page)
    }
}

/// A request that is under way.
pub(crate) struct UnderWay(Gauge);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Gauges that are read when somebody looks.
#[derive(Default)]
struct Sampled(Mutex<Vec<Sample>>);

struct Sample {
    name: &'static str,
    help: &'static str,
    read: Box<dyn Fn() -> Option<u64> + Send + Sync>,
}

impl Sampled {
    fn locked(&self) -> std::sync::MutexGuard<'_, Vec<Sample>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Sampled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.locked().iter().map(|sample| sample.name)).finish()
    }
}

impl Collector for Sampled {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for Sample { name, help, read } in &*self.locked() {
            let Some(value) = read() else { continue };
            let gauge = ConstGauge::new(value);
            let help = format!("{help}."); // as the registry ends its own
            gauge.encode(encoder.encode_descriptor(name, &help, None, gauge.metric_type())?)?;
        }
        Ok(())
    }
}

/// What Linux says of this process; nothing elsewhere.
fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let size = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = size.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::ROUTES;
    use rollcall_model::{
        database::DatabaseId,
        profile::{Profile, ProfileId},
    };
    use rollcall_store::{memory::MemoryStore, transaction::Job};

    fn reply(code: ResponseCode, format: Format) -> Reply {
        Reply::new(code, format, b"1234".to_vec())
    }

    #[test]
    fn counts_by_call_format_and_code() {
        let (metrics, import) = (Metrics::default(), ROUTES[0].path);
        let took = Duration::from_millis(3);
        metrics.count(import, 10, &reply(ResponseCode::Success, Format::Json), took);
        metrics.count(import, 10, &reply(ResponseCode::Success, Format::Json), took);
        metrics.count(UNKNOWN, 10, &reply(ResponseCode::UnknownCall, Format::Xml), took);
        metrics.count(import, 10, &reply(ResponseCode::TooManyRequests, Format::Json), took);
        let page = metrics.page().unwrap();
        for line in [
            format!("rollcall_requests_total{{call=\"{import}\",format=\"json\",code=\"0\",reason=\"Success\"}} 2"),
            "rollcall_requests_total{call=\"unknown\",format=\"xml\",code=\"404\",reason=\"UnknownCall\"} 1".to_owned(),
            format!("rollcall_request_duration_seconds_bucket{{call=\"{import}\",le=\"0.0025\"}} 0"),
            format!("rollcall_request_duration_seconds_bucket{{call=\"{import}\",le=\"0.005\"}} 3"),
            "rollcall_received_bytes_total 40".to_owned(),
            "rollcall_sent_bytes_total 16".to_owned(),
            "rollcall_allowance_refusals_total{allowance=\"rate\"} 1".to_owned(),
        ] {
            assert!(page.lines().any(|known| known == line), "{line} is not in\n{page}");
        }
    }

    #[test]
    fn shows_what_the_store_tells_and_nothing_that_it_does_not_know() {
        let (metrics, store) = (Metrics::default(), MemoryStore::new());
        let (job, _) = Job::new(|state| state.put(Profile::new(ProfileId([1; 12]), DatabaseId(1))));
        store.enqueue(job).unwrap();
        let store: Arc<dyn Store> = Arc::new(store);
        metrics.watch_store(&store);
        let page = metrics.page().unwrap();
        assert!(page.contains("\nrollcall_store_profiles 1\n"), "{page}");
        assert!(!page.contains("rollcall_store_written_bytes"), "{page}");
    }

    #[test]
    fn what_is_sampled_is_read_when_somebody_looks() {
        let metrics = Metrics::default();
        let backlog = Arc::new(Backlog::default());
        metrics.watch_backlog(&backlog);
        let under_way = metrics.under_way();
        backlog.set_waiting(8);
        let page = metrics.page().unwrap();
        assert!(page.contains("\nrollcall_trigger_backlog 8\n"), "{page}");
        assert!(page.contains("\nrollcall_requests_under_way 1\n"), "{page}");
        drop(under_way);
        assert!(metrics.page().unwrap().contains("\nrollcall_requests_under_way 0\n"));
    }
}
