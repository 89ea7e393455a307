//! A call to its reply: which call, in which format, by whom, and into which database. Rulings T1-T11.

use crate::{
    call::{Answer, Call, Pending, Reply},
    failure::Failure,
    geo::Geo,
    import::{Import, Importer},
    outbox::Backlog,
    probes::{self, Probe},
    routes::{self, METHOD, Request, Route, Serve},
    worlds::Worlds,
};
use rollcall_codec::{answer, format::Format, limits::Limits, request::Parameters, tree::parse};
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
        let geo = Arc::new(Geo::none());
        Self { worlds, store, backlog, importer: Arc::new(importer), geo, modes: MODES, limits: Limits::default() }
    }

    /// Makes an import take effect, whichever call asks for it.
    pub(crate) async fn import(
        &self,
        mut request: ImportRequest,
        world: &Arc<World>,
    ) -> Result<ImportOutcome, Failure> {
        self.geo.fill(&mut request);
        self.importer.import(request, Arc::clone(world)).await
    }
}

impl Answer for Service {
    fn answer<'a>(&'a self, call: Call<'a>) -> Pending<'a, Reply> {
        Box::pin(async move {
            if let Some(probe) = probes::probe(call.path) {
                return probe.answer(self).await;
            }
            let mut format = preferred_format(&call);
            let served = caught(self.serve(&call, &mut format)).await;
            // The reason only: a detail may quote the body, and with it a token.
            let refused = served.as_ref().err().map(|failure| failure.code().name());
            tracing::debug!(?call, refused, "answered");
            reply(served, format)
        })
    }

    fn refuse_early(&self, head: &Call<'_>) -> Option<Reply> {
        if probes::probe(head.path).is_some() {
            return Probe::refuse(head);
        }
        let refusal = route(head).err().or_else(|| declared_format(head).err())?;
        Some(refused(head, refusal))
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
    reply(Err(refusal.into()), preferred_format(call))
}

/// The format of answers that cannot ask the body: the query's, else the preferred one of `Accept`, else the request's
/// own, else JSON (T6).
fn preferred_format(call: &Call<'_>) -> Format {
    let asked = call.parameter("format").and_then(|name| Format::named(&name));
    let accepted = || call.accept.and_then(Format::of_accept);
    let declared = || call.content_type.and_then(Format::of_content_type);
    asked.or_else(accepted).or_else(declared).unwrap_or(Format::Json)
}

pub(crate) fn reply(served: Result<Vec<u8>, Failure>, format: Format) -> Reply {
    match served {
        Ok(body) => Reply { code: ResponseCode::Success, format, body, allow: None },
        Err(failure) => {
            let refusal = failure.into_rejection();
            let allow = (refusal.code == ResponseCode::MethodNotAllowed).then_some(METHOD);
            Reply { code: refusal.code, format, body: answer::refusal(&refusal, format), allow }
        }
    }
}

impl Service {
    /// Serves the call. `format` is settled on the way, since the body may ask for one.
    async fn serve(&self, call: &Call<'_>, format: &mut Format) -> Result<Vec<u8>, Failure> {
        let route = route(call)?;
        let tree = parse(call.body, declared_format(call)?, self.limits)?;
        let parameters = Parameters::of(&tree);
        if let Some(asked) = parameters.answer_format()? {
            *format = asked;
        }
        let world = self.worlds.now();
        let grant = authenticate(call, &parameters, &world)?;
        let request = Request { service: self, world: &world, grant, call, parameters, format: *format };
        match route.serve {
            Serve::InDatabase(serve) => serve(request, database(&request, route.action)?).await,
            Serve::OfConfiguration(serve) => serve(request).await,
        }
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
fn database<'w>(request: &Request<'w>, action: Action) -> Result<&'w Database, Rejection> {
    let id = request.parameters.database_id()?;
    let database = request.world.database(id).ok_or_else(|| ResponseCode::DatabaseNotFound.at("db_id"))?;
    if !request.grant.knows(id) {
        Err(ResponseCode::NoAccess.because("the token has no right to this database").under("db_id"))
    } else if !request.grant.allows(action, id) {
        let problem = format!("the token has no right to {} here", action.name());
        Err(ResponseCode::NoAccess.because(problem).under("db_id"))
    } else {
        Ok(database)
    }
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
