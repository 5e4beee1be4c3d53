//! Sparklines: one cell a sample, a missing sample is a blank, never a zero.

/// Draws the last `width` values against `0..=top`; `top` of `None` takes the largest value.
#[must_use]
pub fn spark(values: &[Option<f32>], width: usize, top: Option<f32>, ascii: bool) -> String {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    const MARKS: [char; 8] = ['_', '.', '.', '-', '-', '=', '#', '#'];
    let marks = if ascii { MARKS } else { BLOCKS };
    let tail = &values[values.len().saturating_sub(width)..];
    let top = top.unwrap_or_else(|| tail.iter().flatten().copied().fold(0.0, f32::max)).max(f32::MIN_POSITIVE);
    let mut out: String = std::iter::repeat_n(' ', width - tail.len()).collect();
    for value in tail {
        out.push(value.map_or(' ', |v| marks[level(v, top)]));
    }
    out
}

fn level(value: f32, top: f32) -> usize {
    let share = (value / top).clamp(0.0, 1.0) * 7.0;
    // from 0 to 7 by construction
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=7")]
    let level = share.round() as usize;
    level
}

/// A graph of `height` rows, top row first, eight steps a row.
#[must_use]
pub fn graph(values: &[Option<f32>], width: usize, height: usize, top: f32, ascii: bool) -> Vec<String> {
    const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    const MARKS: [char; 9] = [' ', '_', '.', '.', '-', '-', '=', '#', '#'];
    let marks = if ascii { MARKS } else { BLOCKS };
    let tail = &values[values.len().saturating_sub(width)..];
    let top = top.max(f32::MIN_POSITIVE);
    (0..height)
        .map(|row| {
            let floor = height - 1 - row;
            let mut out: String = std::iter::repeat_n(' ', width - tail.len()).collect();
            for value in tail {
                out.push(value.map_or(' ', |v| marks[cell(v, top, height, floor)]));
            }
            out
        })
        .collect()
}

/// Eighths of the cell at `floor` (0 is the lowest) that a value fills; the lowest cell of a
/// present value is never empty.
fn cell(value: f32, top: f32, height: usize, floor: usize) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "heights are small and the share is clamped"
    )]
    let eighths = ((value / top).clamp(0.0, 1.0) * (height * 8) as f32).round() as usize;
    eighths.max(1).saturating_sub(floor * 8).min(8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_is_blank_and_zero_is_not() {
        assert_eq!(spark(&[Some(0.0), None, Some(1.0)], 4, None, false), " ▁ █");
        assert_eq!(spark(&[], 2, None, false), "  ");
    }

    #[test]
    fn a_graph_fills_from_below() {
        assert_eq!(graph(&[Some(1.0), Some(0.5), Some(0.0), None], 4, 2, 1.0, false), ["█   ", "██▁ "]);
    }
}
