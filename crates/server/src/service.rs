//! A call to its reply: which call, in which format, by whom, and into which database. Rulings T1-T11.

use crate::{
    access_log,
    allowances::{Allowances, whole_seconds},
    call::{Answer, Call, Caller, Pending, Reply},
    explain,
    failure::Failure,
    geo::Geo,
    import::{Import, Importer},
    metrics::Metrics,
    outbox::Backlog,
    probes::{self, Probe},
    routes::{self, METHOD, Request, Route, Serve},
    worlds::Worlds,
};
use rollcall_codec::{answer, batch::Batch, format::Format, limits::Limits, request::Parameters, tree::parse};
use rollcall_matching::mode::{MODES, Mode};
use rollcall_model::{
    action::Action,
    database::Database,
    import::{ImportOutcome, ImportRequest},
    rejection::Rejection,
    response_code::ResponseCode,
    token::{ApiToken, Grant, TokenHash},
    world::World,
};
use rollcall_store::transaction::Store;
use std::{
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    task::Poll,
    time::Duration,
};

/// The server without its sockets.
pub struct Service {
    /// The configuration.
    pub worlds: Arc<Worlds>,
    /// Where profiles are kept.
    pub store: Arc<dyn Store>,
    /// The events that wait to be delivered.
    pub backlog: Arc<Backlog>,
    /// Takes imports.
    pub importer: Arc<dyn Import>,
    /// Where IP addresses are.
    pub geo: Arc<Geo>,
    /// The matching modes.
    pub modes: &'static [Mode],
    /// What a body may hold.
    pub limits: Limits,
    /// What tokens have used of what they are allowed.
    pub allowances: Allowances,
    /// What is counted of it all, unless nobody is to know.
    pub metrics: Option<Metrics>,
}

impl Service {
    /// A server with this configuration and store, and everything else as documented.
    pub fn new(world: World, store: Arc<dyn Store>) -> Self {
        Self::with_backlog(world, store, Arc::default())
    }

    /// The same, where events wait in this backlog.
    pub fn with_backlog(world: World, store: Arc<dyn Store>, backlog: Arc<Backlog>) -> Self {
        let worlds = Arc::new(Worlds::new(world));
        let importer = Importer { store: Arc::clone(&store), modes: MODES, backlog: Arc::clone(&backlog) };
        let metrics = Metrics::default();
        metrics.watch_backlog(&backlog);
        metrics.watch_store(&store);
        Self {
            worlds,
            store,
            backlog,
            importer: Arc::new(importer),
            geo: Arc::new(Geo::none()),
            modes: MODES,
            limits: Limits::default(),
            allowances: Allowances::default(),
            metrics: Some(metrics),
        }
    }

    /// Imports a profile, if the token may import one more.
    pub(crate) async fn import(
        &self,
        import: ImportRequest,
        world: &Arc<World>,
        grant: &Grant,
    ) -> Result<ImportOutcome, Failure> {
        self.allowances.import(grant, self.change(import, world)).await
    }

    /// Changes a profile, whichever call asks for it. What is changed is handed to the store when this is first polled,
    /// so that who polls one change before another is sure of their order.
    pub(crate) async fn change(&self, mut import: ImportRequest, world: &Arc<World>) -> Result<ImportOutcome, Failure> {
        self.geo.fill(&mut import);
        self.importer.import(import, Arc::clone(world)).await
    }
}

impl Answer for Service {
    fn answer<'a>(&'a self, call: Call<'a>) -> Pending<'a, Reply> {
        Box::pin(async move {
            let _under_way = self.metrics.as_ref().map(Metrics::under_way);
            if let Some(probe) = probes::probe(call.path) {
                return probe.answer(self, &call).await;
            }
            let mut known = Known::of(preferred_format(&call));
            let served = caught(self.serve(&call, &mut known)).await;
            reply(served, known, call.request_id)
        })
    }

    fn refuse_early(&self, head: &Call<'_>) -> Option<Reply> {
        if probes::probe(head.path).is_some() {
            return Probe::refuse(head);
        }
        let refusal = route(head).err().or_else(|| declared_format(head).err())?;
        Some(refused(head, refusal))
    }

    fn note(&self, call: &Call<'_>, reply: &Reply, took: Duration) {
        let name = access_log::call_name(call.path);
        if let Some(metrics) = &self.metrics {
            metrics.count(name, call.body.len(), reply, took);
        }
        access_log::write(name, call, reply, took);
    }
}

/// What comes out about a call on its way, whatever becomes of it.
pub(crate) struct Known {
    /// How the answer is to be written; the body may ask for another format than the head.
    format: Format,
    caller: Caller,
    /// Where its token has used up its requests: until there are more.
    wait: Option<Duration>,
}

impl Known {
    pub(crate) fn of(format: Format) -> Self {
        Self { format, caller: Caller::default(), wait: None }
    }
}

/// A panic is a fault of the one call.
async fn caught<T>(serving: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let mut serving = std::pin::pin!(serving);
    poll_fn(|context| {
        // What a panic leaves behind is the future, which is not looked at again.
        catch_unwind(AssertUnwindSafe(|| serving.as_mut().poll(context))).unwrap_or(Poll::Ready(Err(Failure::Panicked)))
    })
    .await
}

/// The reply to a call whose body could not be had.
pub fn refused(call: &Call<'_>, refusal: Rejection) -> Reply {
    reply(Err(refusal.into()), Known::of(preferred_format(call)), call.request_id)
}

/// The format of answers that cannot ask the body: the query's, else the preferred one of `Accept`, else the request's
/// own, else JSON (T6).
fn preferred_format(call: &Call<'_>) -> Format {
    let asked = call.parameter("format").and_then(|name| Format::named(&name));
    let accepted = || call.accept.and_then(Format::of_accept);
    let declared = || call.content_type.and_then(Format::of_content_type);
    asked.or_else(accepted).or_else(declared).unwrap_or(Format::Json)
}

/// Where to try again at once makes no sense, but soon does.
const SOON: Duration = Duration::from_secs(1);

pub(crate) fn reply(served: Result<Vec<u8>, Failure>, known: Known, request_id: &str) -> Reply {
    let Known { format, caller, wait } = known;
    match served {
        Ok(body) => Reply { caller, ..Reply::new(ResponseCode::Success, format, body) },
        Err(failure) => {
            // A fault is logged where it becomes an answer.
            let refusal = tracing::error_span!("call", request_id).in_scope(|| failure.into_rejection());
            let wait = wait.or((refusal.code == ResponseCode::Unavailable).then_some(SOON));
            Reply {
                allow: (refusal.code == ResponseCode::MethodNotAllowed).then_some(METHOD),
                retry_after: wait.map(whole_seconds),
                caller,
                ..Reply::new(refusal.code, format, answer::refusal(&refusal, format))
            }
        }
    }
}

impl Service {
    /// Serves the call. What comes out about it on the way is noted in `known`.
    async fn serve(&self, call: &Call<'_>, known: &mut Known) -> Result<Vec<u8>, Failure> {
        let route = route(call)?;
        let declared = declared_format(call)?;
        let world = &self.worlds.now();
        match route.serve {
            Serve::InDatabase(serve) => {
                let tree = parse(call.body, declared, self.limits)?;
                let request = self.admit(route, call, Parameters::of(&tree), known, world)?;
                serve(request, database(&request, route.action, known)?).await
            }
            Serve::Batch(serve) => {
                let batch = Batch::of(call.body, declared, self.limits)?;
                let request = self.admit(route, call, batch.parameters(), known, world)?;
                serve(request, database(&request, route.action, known)?, &batch).await
            }
            Serve::OfConfiguration(serve) => {
                let tree = parse(call.body, declared, self.limits)?;
                serve(self.admit(route, call, Parameters::of(&tree), known, world)?).await
            }
        }
    }

    /// The request, once it is known who sent it and how it is to be answered.
    fn admit<'a>(
        &'a self,
        route: &Route,
        call: &'a Call<'a>,
        parameters: Parameters<'a, 'a>,
        known: &mut Known,
        world: &'a Arc<World>,
    ) -> Result<Request<'a>, Rejection> {
        if let Some(asked) = parameters.answer_format()? {
            known.format = asked;
        }
        let grant = authenticate(call, &parameters, world)?;
        known.caller.token = Some(Arc::clone(&grant.name));
        self.allowances.take_request(grant).map_err(|(refusal, wait)| {
            known.wait = Some(wait);
            refusal
        })?;
        let request = Request { service: self, world, grant, call, parameters, format: known.format };
        explain::refuse_where_impossible(route, &request)?;
        Ok(request)
    }
}

/// What the caller may do. The first token that is present decides (T7).
fn authenticate<'w>(
    call: &Call<'_>,
    parameters: &Parameters<'_, '_>,
    world: &'w World,
) -> Result<&'w Grant, Rejection> {
    let token = match parameters.token()? {
        Some(token) => Some(token),
        None => bearer(call).or_else(|| call.parameter("token").map(|secret| ApiToken::from(&*secret))),
    };
    let token = token.ok_or_else(|| ResponseCode::TokenMissing.at("token"))?;
    world.grant(TokenHash::of(token.secret()))
}

/// The database that is meant, if the caller may do this there (T11).
fn database<'w>(request: &Request<'w>, action: Action, known: &mut Known) -> Result<&'w Database, Rejection> {
    let id = request.parameters.database_id()?;
    let database = request.world.database(id).ok_or_else(|| ResponseCode::DatabaseNotFound.at("db_id"))?;
    if !request.grant.knows(id) {
        return Err(ResponseCode::NoAccess.because("the token has no right to this database").under("db_id"));
    }
    if !request.grant.allows(action, id) {
        let problem = format!("the token has no right to {} here", action.name());
        return Err(ResponseCode::NoAccess.because(problem).under("db_id"));
    }
    known.caller.database = Some(id);
    Ok(database)
}

/// The call that is meant (T1-T3), if the query asks for nothing impossible.
fn route(call: &Call<'_>) -> Result<&'static Route, Rejection> {
    let route = routes::route(call.path).ok_or(Rejection::from(ResponseCode::UnknownCall))?;
    if call.method != METHOD {
        return Err(ResponseCode::MethodNotAllowed.because(format!("use {METHOD}")));
    }
    match call.parameter("format") {
        Some(name) if Format::named(&name).is_none() => {
            Err(ResponseCode::IncorrectValue.because("neither json nor xml").under("format"))
        }
        _ => Ok(route),
    }
}

/// The format that the body is declared to be in (T4, T5).
fn declared_format(call: &Call<'_>) -> Result<Format, Rejection> {
    call.content_type.and_then(Format::of_content_type).ok_or_else(|| {
        let known: Vec<_> = Format::ALL.iter().map(|format| format.media_types()[0]).collect();
        ResponseCode::UnsupportedMediaType.because(format!("send Content-Type {}, in UTF-8", known.join(" or ")))
    })
}

fn bearer(call: &Call<'_>) -> Option<ApiToken> {
    let (scheme, token) = call.authorization?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| ApiToken::from(token.trim()))
}
