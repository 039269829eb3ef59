//! What the contract says of each rpc, read once from the descriptors: kind of call,
//! whether it only reads, who may call. The edge, the guard and the metrics ask here; nothing
//! about an rpc is written down a second time.

use std::collections::{HashMap, HashSet};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use prost_reflect::prost_types::method_options::IdempotencyLevel;
use prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor, Value};

use bounds::{Asked, Rate};
use call::{Caller, Role, Roles, Scope};

/// Every rpc that the descriptors know.
#[derive(Clone)]
pub struct Contract {
    pool: DescriptorPool,
    methods: HashMap<Arc<str>, Arc<Method>>,
}

/// One rpc.
#[derive(Debug)]
pub struct Method {
    /// `/stoa.order.v1.OrderService/CreateOrder`
    pub path: Arc<str>,
    /// `stoa.order.v1.OrderService`
    pub service: Arc<str>,
    /// `CreateOrder`
    pub name: Arc<str>,
    /// Whose it is: `order`; `gateway` for what the BFFs answer, `edge` for what is not ours.
    pub context: Arc<str>,
    /// Whether the client sends a stream of messages.
    pub client_streaming: bool,
    /// Whether the server does.
    pub server_streaming: bool,
    /// Whether it only reads: the idempotency level `NO_SIDE_EFFECTS`.
    pub only_reads: bool,
    /// Whether a second time changes nothing more: that level, or `IDEMPOTENT`.
    pub idempotent: bool,
    /// Whether it keeps the answer of a call with a key, and repeats it: the option `stoa.options.v1.keyed`.
    pub keyed: bool,
    /// Who may call.
    pub access: Option<Access>,
    /// How often one client may, beside what holds for all rpcs: the option `stoa.options.v1.rate`.
    pub rate: Option<Rate>,
}

impl Method {
    /// Whether one message goes each way.
    pub fn is_unary(&self) -> bool {
        !self.client_streaming && !self.server_streaming
    }

    /// What it is to whoever bounds how often it is called.
    pub fn asked(&self) -> Asked {
        let public = |access: &Access| access.audience == Audience::Public;
        Asked {
            only_reads: self.only_reads,
            is_public: self.access.as_ref().is_some_and(public),
        }
    }

    /// Whether it may be called again.
    pub fn again(&self) -> Again {
        match (self.idempotent, self.keyed) {
            (true, _) => Again::Always,
            (false, true) => Again::WithKey,
            (false, false) => Again::Never,
        }
    }

    /// Whether Connect's GET reaches it.
    pub fn is_get(&self) -> bool {
        self.is_unary() && self.only_reads
    }
}

/// Whether an rpc may be called again when nobody knows how it ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Again {
    /// A second time is a second effect.
    #[default]
    Never,
    /// If the call has a key: the answer is kept under it.
    WithKey,
    /// A second time changes nothing more.
    Always,
}

impl Again {
    /// Whether a second time does no harm, of a call that has a key or not.
    pub fn is_harmless(self, keyed: bool) -> bool {
        match self {
            Self::Never => false,
            Self::WithKey => keyed,
            Self::Always => true,
        }
    }
}

/// Who may call an rpc: the option `stoa.options.v1.access`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// What is asked of a person.
    pub audience: Audience,
    /// With [`Audience::User`], the roles that reach everyone's objects; with
    /// [`Audience::Roles`], those that may call at all.
    pub roles: Roles,
    /// The services that may call.
    pub services: HashSet<String>,
}

/// Which people an rpc is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Everyone, with or without a token.
    Public,
    /// Everyone who has signed in, each reaching their own objects.
    User,
    /// Only people with one of the named roles.
    Roles,
    /// Nobody: services only.
    Internal,
}

/// Why a call was not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// A credential is needed and there is none.
    Unauthenticated,
    /// The caller is known and may not.
    PermissionDenied,
}

impl Access {
    /// A rule that lets everyone in, for what is no business of any person: health,
    /// reflection, a test's own services.
    pub fn open() -> Self {
        Self {
            audience: Audience::Public,
            roles: Roles::default(),
            services: HashSet::new(),
        }
    }

    /// Whether `caller` may call, and whose objects it reaches.
    ///
    /// # Errors
    /// [`Denial`], for whatever the rule does not name.
    pub fn admit(&self, caller: &Caller) -> Result<Scope, Denial> {
        match (self.audience, caller) {
            (_, Caller::Service { name, .. }) if self.services.contains(name.as_ref()) => {
                Ok(Scope::Everyone)
            }
            (Audience::Public, Caller::User(user)) => Ok(Scope::Own(user.id)),
            (Audience::Public, _) => Ok(Scope::Everyone),
            (_, Caller::Anonymous) => Err(Denial::Unauthenticated),
            (Audience::User | Audience::Roles, Caller::User(user))
                if user.roles.intersects(self.roles) =>
            {
                Ok(Scope::Everyone)
            }
            (Audience::User, Caller::User(user)) => Ok(Scope::Own(user.id)),
            _ => Err(Denial::PermissionDenied),
        }
    }
}

/// Descriptors that cannot be a contract.
#[derive(Debug, thiserror::Error)]
pub enum ContractError {
    /// The bytes are no descriptor set.
    #[error("the descriptor set does not decode")]
    Descriptors(#[from] prost_reflect::DescriptorError),
    /// An access option that the edge does not understand.
    #[error("{path}: unknown {what} in its access option")]
    Access {
        /// The rpc.
        path: String,
        /// What is not understood.
        what: String,
    },
    /// A rate option of nothing, or in no time.
    #[error("{path}: its rate option needs requests and seconds")]
    Rate {
        /// The rpc.
        path: String,
    },
}

impl Contract {
    /// Reads an encoded `FileDescriptorSet`. Custom options must still be in the bytes.
    ///
    /// # Errors
    /// [`ContractError`] for bytes or options that cannot be understood.
    pub fn new(descriptors: &[u8]) -> Result<Self, ContractError> {
        let pool = DescriptorPool::decode(descriptors)?;
        let methods = pool
            .services()
            .flat_map(|service| service.methods().collect::<Vec<_>>())
            .map(|method| read(&method).map(|method| (method.path.clone(), Arc::new(method))))
            .collect::<Result<_, _>>()?;
        Ok(Self { pool, methods })
    }

    /// Opens every rpc of a service to everyone, for services whose contract is not ours
    /// and carries no access option.
    pub fn open(mut self, service: &str) -> Self {
        for method in self
            .methods
            .values_mut()
            .filter(|method| &*method.service == service)
        {
            *method = Arc::new(Method {
                path: method.path.clone(),
                service: method.service.clone(),
                name: method.name.clone(),
                context: method.context.clone(),
                access: Some(Access::open()),
                ..**method
            });
        }
        self
    }

    /// Adds a bidirectional rpc that is no part of our contracts, open to everyone.
    pub fn with_open_bidi(mut self, service: &str, name: &str) -> Self {
        let path: Arc<str> = format!("/{service}/{name}").into();
        let method = Method {
            path: path.clone(),
            service: service.into(),
            name: name.into(),
            context: context(service).into(),
            client_streaming: true,
            server_streaming: true,
            only_reads: false,
            idempotent: false,
            keyed: false,
            access: Some(Access::open()),
            rate: None,
        };
        self.methods.insert(path, Arc::new(method));
        self
    }

    /// The rpc at this path.
    pub fn method(&self, path: &str) -> Option<&Arc<Method>> {
        self.methods.get(path)
    }

    /// Every rpc of a service, none if the descriptors do not know it.
    pub fn methods_of<'a>(&'a self, service: &'a str) -> impl Iterator<Item = &'a Arc<Method>> {
        self.methods
            .values()
            .filter(move |method| &*method.service == service)
    }

    /// Every rpc.
    pub fn methods(&self) -> impl Iterator<Item = &Arc<Method>> {
        self.methods.values()
    }

    /// The descriptors, for whoever needs more than this.
    pub fn pool(&self) -> &DescriptorPool {
        &self.pool
    }
}

fn read(method: &MethodDescriptor) -> Result<Method, ContractError> {
    let service = method.parent_service().full_name().to_owned();
    let path = format!("/{service}/{}", method.name());
    Ok(Method {
        access: access(method, &path)?,
        rate: rate(method, &path)?,
        keyed: keyed(method),
        context: context(&service).into(),
        path: path.into(),
        service: service.into(),
        name: method.name().into(),
        client_streaming: method.is_client_streaming(),
        server_streaming: method.is_server_streaming(),
        only_reads: level(method) == IdempotencyLevel::NoSideEffects,
        idempotent: level(method) != IdempotencyLevel::IdempotencyUnknown,
    })
}

/// The context of a full service name, as its package says: `stoa.order.v1` is `order`.
fn context(service: &str) -> &str {
    match service.split('.').collect::<Vec<_>>()[..] {
        ["stoa", "bff", ..] => "gateway",
        ["stoa", context, ..] => context,
        _ => "edge",
    }
}

fn level(method: &MethodDescriptor) -> IdempotencyLevel {
    let options = method.method_descriptor_proto().options.as_ref();
    options.map_or(IdempotencyLevel::IdempotencyUnknown, |options| {
        options.idempotency_level()
    })
}

/// The value of one of our options, where the rpc has it.
fn option(method: &MethodDescriptor, name: &str) -> Option<Value> {
    let extension = method.parent_pool().get_extension_by_name(name)?;
    let options = method.options();
    let there = options.has_extension(&extension);
    there.then(|| options.get_extension(&extension).into_owned())
}

fn keyed(method: &MethodDescriptor) -> bool {
    let keyed = option(method, "stoa.options.v1.keyed");
    keyed.and_then(|keyed| keyed.as_bool()).unwrap_or_default()
}

fn rate(method: &MethodDescriptor, path: &str) -> Result<Option<Rate>, ContractError> {
    let Some(value) = option(method, "stoa.options.v1.rate") else {
        return Ok(None);
    };
    let number = |name| value.as_message()?.get_field_by_name(name)?.as_u32();
    let requests = number("requests").and_then(NonZeroU32::new);
    let seconds = number("seconds").filter(|seconds| *seconds > 0);
    match requests.zip(seconds) {
        Some((requests, seconds)) => Ok(Some(Rate {
            requests,
            per: Duration::from_secs(seconds.into()),
        })),
        None => Err(ContractError::Rate {
            path: path.to_owned(),
        }),
    }
}

fn access(method: &MethodDescriptor, path: &str) -> Result<Option<Access>, ContractError> {
    let Some(value) = option(method, "stoa.options.v1.access") else {
        return Ok(None);
    };
    let unknown = |what: String| ContractError::Access {
        path: path.to_owned(),
        what,
    };
    let message = value
        .as_message()
        .ok_or_else(|| unknown("form".to_owned()))?;
    let audience = match message
        .get_field_by_name("level")
        .and_then(|v| v.as_enum_number())
    {
        Some(1) => Audience::Public,
        Some(2) => Audience::User,
        Some(3) => Audience::Roles,
        Some(4) => Audience::Internal,
        other => return Err(unknown(format!("level {other:?}"))),
    };
    let roles = strings(message, "roles")
        .map(|name| Role::parse(&name).ok_or_else(|| unknown(format!("role {name:?}"))))
        .collect::<Result<Roles, _>>()?;
    Ok(Some(Access {
        audience,
        roles,
        services: strings(message, "services").collect(),
    }))
}

fn strings(message: &DynamicMessage, field: &str) -> impl Iterator<Item = String> + use<> {
    let list = message.get_field_by_name(field);
    let list = list
        .as_deref()
        .and_then(Value::as_list)
        .unwrap_or_default()
        .to_vec();
    list.into_iter()
        .filter_map(|value| value.as_str().map(str::to_owned))
}

#[cfg(test)]
mod tests;
