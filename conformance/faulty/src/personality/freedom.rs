//! Where a server may be different, and the server that is: freedoms wrapped around the server's own seams.

use super::wire;
use crate::lens::{Lens, LensStore};
use anyhow::Context;
use rollcall_matching::{
    key::LookupKey,
    mode::{MODES, Mode},
};
use rollcall_model::{
    database::DatabaseId,
    import::{ImportOutcome, ImportRequest},
    profile::{Profile, ProfileId},
    response_code::ResponseCode,
    world::World,
};
use rollcall_server::{
    call::{Answer, Call, Pending, Reply},
    failure::Failure,
    http::{self, Settings},
    import::{Import, Importer},
    service::{self, Service},
    world_file,
};
use rollcall_store::{
    error::StoreError,
    memory::MemoryStore,
    transaction::{self, Transaction},
};
use std::{borrow::Cow, future::Future, sync::Arc};
use tokio::net::TcpListener;

/// What a server may do in its own way. Of several of one kind, each gets what the one before has left.
pub(super) enum Freedom {
    /// It is set up in another way than ours.
    World(fn(&mut World)),
    /// Its modes search other places.
    Modes(fn(&mut [Mode])),
    /// Its connections are treated in another way.
    Http(fn(&mut Settings)),
    /// Its answers arrive in pieces.
    InPieces,
    /// It reads another head.
    Head(fn(&mut Call<'_>)),
    /// It reads another body; none where it reads this one.
    Body(fn(&Call<'_>) -> Option<Vec<u8>>),
    /// It does not take such requests.
    Refuses(fn(&Call<'_>) -> bool),
    /// It understands an import in another way, or refuses it.
    Imports(fn(&mut ImportRequest) -> Result<(), ResponseCode>),
    /// It finds others of those that have a key.
    Finds(Find),
    /// It sees a stored profile in another way before it changes it.
    Reads(fn(&ImportRequest, &mut Profile)),
    /// It keeps a profile in another way; the profile before, if there is one.
    Keeps(fn(&ImportRequest, Option<&Profile>, &mut Profile)),
    /// It looks up and keeps in a way that must remember something.
    Store(fn() -> Arc<dyn Lens>),
    /// It answers in another way.
    Reply(fn(&mut Reply)),
}

/// Which of the profiles that have a key are found.
pub(super) type Find = fn(&Search<'_>, Vec<ProfileId>) -> Result<Vec<ProfileId>, StoreError>;

/// A look-up, and what it is for.
pub(super) struct Search<'a> {
    pub(super) request: &'a ImportRequest,
    pub(super) state: &'a dyn Transaction,
    pub(super) database: DatabaseId,
    pub(super) key: &'a LookupKey<'a>,
}

/// Listens on a free port with the server that takes these freedoms.
pub(super) async fn listen(
    freedoms: &'static [Freedom],
) -> anyhow::Result<(String, impl Future<Output = ()> + Send + use<>)> {
    let (server, settings) = (server(freedoms)?, settings(freedoms));
    let (listener, url) = free_port().await?;
    let carried = freedoms.iter().any(|freedom| matches!(freedom, Freedom::InPieces));
    let (outside, url) = match carried {
        true => free_port().await.map(|(outside, url)| (Some(outside), url))?,
        false => (None, url),
    };
    let behind = listener.local_addr()?;
    let serving = http::serve(listener, server, settings, std::future::pending());
    Ok((url, async move {
        match outside {
            Some(outside) => drop(tokio::join!(serving, wire::carry(outside, behind))),
            None => serving.await,
        }
    }))
}

async fn free_port() -> anyhow::Result<(TcpListener, String)> {
    let listener = TcpListener::bind("127.0.0.1:0").await.context("cannot listen on 127.0.0.1")?;
    let url = format!("http://{}", listener.local_addr()?);
    Ok((listener, url))
}

fn settings(freedoms: &[Freedom]) -> Settings {
    let mut settings = Settings::default();
    for freedom in freedoms {
        if let Freedom::Http(change) = freedom {
            change(&mut settings);
        }
    }
    settings
}

fn server(freedoms: &'static [Freedom]) -> anyhow::Result<Arc<dyn Answer>> {
    let mut world = world_file::read(world_file::DOCUMENTED, "the documented world")?;
    let mut modes = MODES.to_vec();
    let mut store: Arc<dyn transaction::Store> = Arc::new(MemoryStore::new());
    for freedom in freedoms {
        match freedom {
            Freedom::World(change) => change(&mut world),
            Freedom::Modes(change) => change(&mut modes),
            Freedom::Store(lens) => store = Arc::new(LensStore { store, lens: lens() }),
            _ => {}
        }
    }
    let modes: &[Mode] = modes.leak(); // a server asks for a table that outlives it; there are few of them
    let service = Service::new(world, store);
    let (store, backlog) = (Arc::clone(&service.store), Arc::clone(&service.backlog));
    let importer = Arc::new(Habits { importer: Importer { store, modes, backlog }, freedoms });
    Ok(Arc::new(Front { service: Service { importer, modes, ..service }, freedoms }))
}

/// Stands between the wire and the service.
struct Front {
    service: Service,
    freedoms: &'static [Freedom],
}

impl Answer for Front {
    fn answer<'a>(&'a self, mut call: Call<'a>) -> Pending<'a, Reply> {
        Box::pin(async move {
            let mut body = Cow::Borrowed(call.body);
            let mut is_refused = false;
            for freedom in self.freedoms {
                let heard = Call { body: &body, ..call.clone() };
                match freedom {
                    Freedom::Head(change) => change(&mut call),
                    Freedom::Refuses(when) => is_refused |= when(&heard),
                    Freedom::Body(read) => {
                        if let Some(other) = read(&heard) {
                            body = Cow::Owned(other);
                        }
                    }
                    _ => {}
                }
            }
            let call = Call { body: &body, ..call };
            let mut reply = match is_refused {
                true => service::refused(&call, ResponseCode::IncorrectValue.into()),
                false => self.service.answer(call).await,
            };
            for freedom in self.freedoms {
                if let Freedom::Reply(change) = freedom {
                    change(&mut reply);
                }
            }
            reply
        })
    }
}

/// Takes imports with the freedoms that are about them.
struct Habits {
    importer: Importer,
    freedoms: &'static [Freedom],
}

impl Import for Habits {
    fn import(&self, mut request: ImportRequest, world: Arc<World>) -> Pending<'_, Result<ImportOutcome, Failure>> {
        Box::pin(async move {
            for freedom in self.freedoms {
                if let Freedom::Imports(take) = freedom {
                    take(&mut request).map_err(|code| Failure::Refused(code.into()))?;
                }
            }
            let lens = Arc::new(Habit { request: request.clone(), freedoms: self.freedoms });
            let Importer { store, .. } = &self.importer;
            let store = Arc::new(LensStore { store: Arc::clone(store), lens });
            Importer { store, ..self.importer.clone() }.import(request, world).await
        })
    }
}

/// The state, as it is seen and changed by one import.
struct Habit {
    request: ImportRequest,
    freedoms: &'static [Freedom],
}

impl Lens for Habit {
    fn find(
        &self,
        state: &dyn Transaction,
        database: DatabaseId,
        key: &LookupKey<'_>,
    ) -> Result<Vec<ProfileId>, StoreError> {
        let mut found = state.find(database, key)?;
        let search = Search { request: &self.request, state, database, key };
        for freedom in self.freedoms {
            if let Freedom::Finds(choose) = freedom {
                found = choose(&search, found)?;
            }
        }
        Ok(found)
    }

    fn profile(
        &self,
        state: &dyn Transaction,
        database: DatabaseId,
        id: ProfileId,
    ) -> Result<Option<Arc<Profile>>, StoreError> {
        let Some(mut profile) = state.profile(database, id)? else { return Ok(None) };
        for freedom in self.freedoms {
            if let Freedom::Reads(change) = freedom {
                change(&self.request, Arc::make_mut(&mut profile));
            }
        }
        Ok(Some(profile))
    }

    fn put(&self, state: &mut dyn Transaction, mut profile: Profile) -> Result<(), StoreError> {
        let before = state.profile(profile.database, profile.id)?;
        for freedom in self.freedoms {
            if let Freedom::Keeps(change) = freedom {
                change(&self.request, before.as_deref(), &mut profile);
            }
        }
        state.put(profile)
    }
}
