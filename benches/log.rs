//! The log store's hot paths: taking lines in, and searching a million of them.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use pilothouse::model::LogRecord;
use pilothouse::world::log::{Direction, LogBuffer, Matcher, Syntax};

fn record(number: i64) -> LogRecord {
    let text = format!(
        "2026-08-24T10:11:12.{:06}Z INFO request served method=GET path=/api/items/{} status=200 bytes=5120 took=12ms",
        number % 1_000_000,
        number % 977
    );
    LogRecord::Line { at: Some(number * 1_000), stderr: false, text: text.into(), cut: 0 }
}

fn ingest(criterion: &mut Criterion) {
    let batch: Vec<LogRecord> = (0..100_000).map(record).collect();
    let mut group = criterion.benchmark_group("ingest");
    group.sample_size(20).throughput(Throughput::Elements(batch.len() as u64));
    group.bench_function("100k lines into 8 MiB", |bench| {
        bench.iter_batched(
            || (LogBuffer::default(), batch.clone()),
            |(mut log, batch)| {
                log.append(batch);
                log
            },
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

#[expect(clippy::expect_used, reason = "a bench has nobody to report to")]
fn search(criterion: &mut Criterion) {
    let mut log = LogBuffer::new(512 << 20);
    for start in 0..100 {
        log.append((start * 10_000..(start + 1) * 10_000).map(record).collect());
    }
    let mut group = criterion.benchmark_group("search 1M lines");
    group.sample_size(10).throughput(Throughput::Elements(log.len() as u64));
    for (name, pattern, syntax) in [
        ("text, case ignored", "no such text", Syntax::Text),
        ("text, case matters", "No such text", Syntax::Text),
        ("regex", r"status=5\d\d .*took=\d{4,}ms", Syntax::Regex),
    ] {
        let matcher = Matcher::new(pattern, syntax).expect("the pattern is valid");
        group.bench_function(name, |bench| bench.iter(|| black_box(log.find(&matcher, 0, Direction::Forward))));
    }
    group.finish();
}

criterion_group!(benches, ingest, search);
criterion_main!(benches);
