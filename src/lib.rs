//! pilothouse: a terminal operations console for Kubernetes and Docker.
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
