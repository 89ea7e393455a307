//! A hand-written upsert function of PostgreSQL, called without a server in between.

use anyhow::Context;
use rollcall_testbed::load::Caller;
use rollcall_testbed::people::Documented;
use tokio_postgres::{Client, NoTls, Statement};

/// A database with the function in it.
pub(crate) struct Function {
    url: String,
}

impl Function {
    /// Makes the function in this empty database.
    pub(crate) fn create(url: &str) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let made = async {
            let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
            tokio::spawn(connection);
            client.batch_execute(include_str!("upsert.sql")).await
        };
        runtime.block_on(made).context("cannot make the function")?;
        Ok(Self { url: url.to_owned() })
    }

    /// A connection that calls it with whom a number belongs to.
    pub(crate) async fn caller<W>(&self, who: W) -> anyhow::Result<Upserting<W>> {
        let (client, connection) = tokio_postgres::connect(&self.url, NoTls).await?;
        tokio::spawn(connection);
        let statement = client.prepare("select import($1, $2, $3::text::jsonb)").await?;
        Ok(Upserting { client, statement, import: Documented::default(), who })
    }
}

/// Calls the function.
pub(crate) struct Upserting<W> {
    client: Client,
    statement: Statement,
    import: Documented,
    who: W,
}

impl<W: Fn(u64) -> (u64, u64) + 'static> Caller for Upserting<W> {
    async fn call(&mut self, number: u64) -> anyhow::Result<()> {
        let (person, visit) = (self.who)(number);
        let (email, phone) = (Documented::email(person), Documented::phone(person));
        let data = self.import.data(person, visit);
        self.client.query_one(&self.statement, &[&email, &phone, &data]).await?;
        Ok(())
    }
}
