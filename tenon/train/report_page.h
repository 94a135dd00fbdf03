// The fixed parts of the HTML report: style, places of the charts, and the script that draws them
// with Chart.js from `data`.
//
//   page += kStyle;
#pragma once

namespace tenon::train {

inline constexpr const char* kStyle = R"(
:root { --ink: #1c2430; --soft: #5b6675; --line: #dfe4ea; --ground: #f6f7f9; --paper: #fff;
        --first: #2f6fbf; --second: #cf7a1c; --right: 46,125,90; --wrong: 192,57,43;
        color-scheme: light dark; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ee; --soft: #9aa5b4; --line: #333b47; --ground: #14181e; --paper: #1c222a;
          --first: #6ea8ef; --second: #e9a253; --right: 84,180,134; --wrong: 226,98,84; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
       font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 1100px; margin: 0 auto; padding: 32px 20px 80px; }
h1 { font-size: 28px; line-height: 1.2; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 19px; margin: 40px 0 12px; }
p { color: var(--soft); margin: 0 0 12px; }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: 12px;
         margin: 20px 0 0; }
.facts div, .card { background: var(--paper); border: 1px solid var(--line); border-radius: 8px; }
.facts div { padding: 10px 14px; display: flex; flex-direction: column-reverse; }
.facts dt { color: var(--soft); font-size: 13px; }
.facts dd { margin: 0; font-size: 20px; font-weight: 600; font-variant-numeric: tabular-nums;
            overflow-wrap: anywhere; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(400px, 100%), 1fr));
          gap: 16px; }
.chart { padding: 12px; position: relative; height: 320px; min-width: 0; }
.wide { overflow-x: auto; padding: 12px; }
.confusion { border-collapse: separate; border-spacing: 2px; font-size: 13px; width: 100%; }
.confusion th { font-weight: 500; color: var(--soft); padding: 4px 8px; text-align: right; }
.confusion thead th { vertical-align: bottom; text-align: center; max-width: 90px; }
.confusion td { padding: 5px 8px; text-align: center; min-width: 52px; border-radius: 4px;
                font-variant-numeric: tabular-nums; }
.confusion .right { background: rgba(var(--right), calc(.06 + var(--part) * .5)); }
.confusion .wrong { background: rgba(var(--wrong), calc(.03 + var(--part) * .8)); }
.confusion .none { color: var(--soft); opacity: .55; }
.plain { border-collapse: collapse; font-size: 13px; }
.plain th { font-weight: 500; color: var(--soft); }
.plain th, .plain td { padding: 3px 18px 3px 0; text-align: left;
                       font-variant-numeric: tabular-nums; }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: 14px; }
figure { margin: 0; padding: 12px 10px; text-align: center; font-size: 13px; }
figure img { width: 112px; height: 112px; object-fit: contain; image-rendering: pixelated;
             border-radius: 4px; }
figcaption { margin-top: 6px; overflow-wrap: anywhere; }
figcaption span { color: var(--soft); }
pre { padding: 14px; margin: 0; overflow-x: auto; font-size: 13px; }
)";

inline constexpr const char* kCurvesSection = R"(
<h2>Training</h2>
<div class="charts"><div class="card chart"><canvas id="loss"></canvas></div>
<div class="card chart"><canvas id="accuracy"></canvas></div></div>
)";

inline constexpr const char* kClassesSection = R"(
<h2>Accuracy by class</h2>
<div class="card chart" id="classes-card"><canvas id="classes"></canvas></div>
)";

inline constexpr const char* kNumbersSection = R"(
<h2>Predictions</h2>
<div class="card chart"><canvas id="numbers"></canvas></div>
)";

inline constexpr const char* kScript = R"(
const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
Chart.defaults.color = color('--soft');
Chart.defaults.borderColor = color('--line');
Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
Chart.defaults.animation = false;
Chart.defaults.maintainAspectRatio = false;
const canvas = (id) => document.getElementById(id);
const curve = (label, points, name, width = 2) => ({
  label, data: points, borderColor: color(name), backgroundColor: color(name), borderWidth: width,
  pointRadius: width < 2 || points.length > 60 ? 0 : 3, cubicInterpolationMode: 'monotone' });
const curves = (id, datasets, title) => new Chart(canvas(id), {
  type: 'line', data: { datasets },
  options: {
    interaction: { mode: 'nearest', axis: 'x', intersect: false },
    plugins: { legend: { labels: { usePointStyle: true, pointStyle: 'line' } } },
    scales: { x: { type: 'linear', title: { display: true, text: 'epoch' }, ticks: { precision: 0 } },
              y: { title: { display: true, text: title } } } } });

if (data.history && canvas('loss')) {
  const h = data.history;
  const of = (key, factor) => h.epochs.filter((e) => e[key] !== null)
      .map((e) => ({ x: e.epoch, y: factor * e[key] }));
  const perEpoch = h.step_count / h.epochs.length;
  const losses = [curve('training, step by step', h.steps.map((p) => ({ x: p.x / perEpoch, y: p.y })),
                        '--first', 1.2)];
  const accuracies = [curve('training', of('accuracy', 100), '--first')];
  if (h.validated) {
    losses.push(curve('validation', of('validation_loss', 1), '--second'));
    accuracies.push(curve('validation', of('validation_accuracy', 100), '--second'));
  }
  curves('loss', losses, 'loss');
  if (h.classes) curves('accuracy', accuracies, 'accuracy, %');
  else canvas('accuracy').parentElement.remove();
}
if (data.classes && canvas('classes')) {
  canvas('classes-card').style.height = `${60 + 26 * data.classes.length}px`;
  new Chart(canvas('classes'), {
    type: 'bar',
    data: { labels: data.classes.map((c) => c.name),
            datasets: [{ data: data.classes.map((c) => 100 * c.accuracy), maxBarThickness: 16,
                         backgroundColor: color('--first') }] },
    options: { indexAxis: 'y', plugins: { legend: { display: false } },
               scales: { x: { beginAtZero: true, max: 100, title: { display: true, text: '%' } },
                         y: { grid: { display: false }, ticks: { autoSkip: false } } } } });
}
if (data.numbers && canvas('numbers')) {
  const values = data.numbers.flatMap((p) => [p.x, p.y]);
  const ends = [Math.min(...values), Math.max(...values)].map((v) => ({ x: v, y: v }));
  const axis = (text) => ({ type: 'linear', title: { display: true, text } });
  new Chart(canvas('numbers'), {
    type: 'scatter',
    data: { datasets: [
      { label: 'rows', data: data.numbers, pointRadius: 2, backgroundColor: color('--first') },
      { ...curve('predicted = label', ends, '--second', 1.2), type: 'line' }] },
    options: { scales: { x: axis('label'), y: axis('predicted') } } });
}
)";

}  // namespace tenon::train
