//! pilothouse: a terminal operations console for Kubernetes and Docker.
//!
//! This page is the architecture: where things are, what the words mean, and which way data flows.
//!
//! # Words
//!
//! **Event** something happened. **Command** something the user may ask for. **Action** changes the
//! outside world. **Effect** what [`update`](update::update) asks of the runtime. **Feed** a live
//! stream into the World. **Job** an Action in progress. **World** our picture of reality.
//! **Target** one Kubernetes context or one Docker host; several are open at once, and every
//! [`Key`](model::Key) carries its target.
//!
//! # The loop
//!
//! ```text
//! signals ┐
//! input   ┤                                          ┌ dirty, and a frame is due: draw
//! jobs    ┼> select (in this order) > batch > update ─┤
//! feeds   ┘                              │           └ effects > runtime > tasks > events back
//!                                        └ State: the only owner of everything that changes
//! ```
//!
//! [`app`] waits and batches, [`update`] routes, [`ui`] and [`panes`] draw into a buffer, [`paint`]
//! turns the difference of two buffers into bytes. Nothing on this path performs I/O or takes a
//! lock; a thread of its own writes to the terminal. What is on screen declares the feeds it
//! needs, and [`runtime::feeds`] starts and ends streams accordingly.
//!
//! # Rooms, and which way they look
//!
//! | room | what is in it | may use |
//! |---|---|---|
//! | [`model`] | rows, keys, time, text: pure domain | nothing else |
//! | [`world`] | tables, orders, logs, usage: what feeds delivered | model |
//! | [`actions`] | action, plan, policy, record: types of the procedure | model |
//! | [`backend`] | Kubernetes, Docker, the simulated world behind two traits | model, actions |
//! | [`theme`], [`input`] | looks and keys as data | |
//! | [`panes`], [`ui`], [`commands`] | what is shown and what can be asked | world, actions |
//! | [`runtime`] | feeds, gateway, audit log, clipboard | backend |
//! | [`app`], [`headless`], [`setup`] | the loop, and the same without a terminal | all |
//!
//! # How a change is made
//!
//! `Action -> Plan -> Approved -> Progress* -> Observation* -> Record`. A [`Plan`](actions::Plan) is
//! worked out by reading the object live and trying the change on the server; what has to be asked
//! is a pure function of plan and settings ([`actions::policy`]); only
//! [`Plan::approve`](actions::Plan::approve) makes the [`Approved`](actions::Approved) that
//! [`Operator::execute`](backend::Operator::execute) takes; and only
//! [`runtime::gateway`] holds operators, so that read-only and the audit log cannot be walked around.
#![forbid(unsafe_code)]

pub mod actions;
pub mod app;
pub mod backend;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod config;
pub mod effect;
pub mod event;
pub mod headless;
pub mod input;
pub mod model;
pub mod paint;
pub mod panes;
pub mod runtime;
pub mod setup;
pub mod state;
pub mod terminal;
pub mod theme;
pub mod ui;
pub mod update;
pub mod world;
