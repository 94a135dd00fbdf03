// The fixed parts of the HTML report: style, places of the charts, and the script that draws them
// with Chart.js from `data`.
//
//   page += kStyle;
#pragma once

namespace tenon::train {

inline constexpr const char* kStyle = R"(
:root { --ink: #1c2430; --soft: #5b6675; --line: #dfe4ea; --ground: #f6f7f9; --paper: #fff;
        --right: 46,125,90; --wrong: 192,57,43; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ee; --soft: #9aa5b4; --line: #333b47; --ground: #14181e; --paper: #1c222a; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
       font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 1060px; margin: 0 auto; padding: 32px 20px 80px; }
h1 { font-size: 28px; margin: 0 0 16px; }
h2 { font-size: 19px; margin: 40px 0 12px; }
p { color: var(--soft); margin: 0 0 12px; }
table { border-collapse: collapse; background: var(--paper); }
.facts th { text-align: left; font-weight: 500; color: var(--soft); }
.facts th, .facts td { padding: 6px 16px; border-bottom: 1px solid var(--line); }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(380px, 1fr)); gap: 16px; }
.chart { background: var(--paper); border: 1px solid var(--line); border-radius: 8px; padding: 12px;
         position: relative; height: 320px; }
.wide { overflow-x: auto; }
.confusion { font-size: 13px; }
.confusion th { font-weight: 500; color: var(--soft); padding: 4px 8px; text-align: right; }
.confusion td { padding: 4px 8px; text-align: right; min-width: 52px; border: 1px solid var(--line);
                font-variant-numeric: tabular-nums; }
.confusion .right { background: rgba(var(--right), calc(var(--part) * .55)); }
.confusion .wrong { background: rgba(var(--wrong), calc(var(--part) * .9)); }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: 14px; }
figure { margin: 0; background: var(--paper); border: 1px solid var(--line); border-radius: 8px;
         padding: 10px; text-align: center; font-size: 13px; }
figure img { width: 112px; height: 112px; object-fit: contain; image-rendering: pixelated; }
pre { background: var(--paper); border: 1px solid var(--line); border-radius: 8px; padding: 14px;
      overflow-x: auto; font-size: 13px; }
)";

inline constexpr const char* kCurvesSection = R"(
<h2>Training</h2>
<div class="charts"><div class="chart"><canvas id="loss"></canvas></div>
<div class="chart"><canvas id="accuracy"></canvas></div></div>
)";

inline constexpr const char* kClassesSection = R"(
<h2>Accuracy by class</h2>
<div class="chart"><canvas id="classes"></canvas></div>
)";

inline constexpr const char* kScript = R"(
const ink = getComputedStyle(document.documentElement).getPropertyValue('--soft').trim();
const line = getComputedStyle(document.documentElement).getPropertyValue('--line').trim();
Chart.defaults.color = ink;
Chart.defaults.borderColor = line;
Chart.defaults.animation = false;
Chart.defaults.maintainAspectRatio = false;
const canvas = (id) => document.getElementById(id);
const curve = (label, points, color) => ({
  label, data: points, borderColor: color, backgroundColor: color, borderWidth: 2,
  pointRadius: points.length > 60 ? 0 : 3, tension: 0.15 });
const axes = (x, y) => ({
  x: { type: 'linear', title: { display: true, text: x }, ticks: { precision: 0 } },
  y: { title: { display: true, text: y } } });

if (data.history && canvas('loss')) {
  const h = data.history;
  const perEpoch = h.step_count / h.epochs.length;
  const steps = h.steps.map((p) => ({ x: p.x / perEpoch, y: p.y }));
  const losses = [curve('training', steps, '#3b76c4')];
  const accuracies = [curve('training', h.epochs.map((e) => ({ x: e.epoch, y: 100 * e.accuracy })), '#3b76c4')];
  if (h.validated) {
    losses.push(curve('validation', h.epochs.map((e) => ({ x: e.epoch, y: e.validation_loss })), '#d9822b'));
    accuracies.push(curve('validation', h.epochs.map((e) => ({ x: e.epoch, y: 100 * e.validation_accuracy })), '#d9822b'));
  }
  new Chart(canvas('loss'), { type: 'line', data: { datasets: losses }, options: { scales: axes('epoch', 'loss') } });
  new Chart(canvas('accuracy'), { type: 'line', data: { datasets: accuracies }, options: { scales: axes('epoch', 'accuracy, %') } });
}
if (data.classes && canvas('classes')) {
  new Chart(canvas('classes'), {
    type: 'bar',
    data: { labels: data.classes.map((c) => c.name),
            datasets: [{ label: 'accuracy, %', data: data.classes.map((c) => 100 * c.accuracy),
                         backgroundColor: '#3b76c4' }] },
    options: { plugins: { legend: { display: false } },
               scales: { y: { beginAtZero: true, max: 100, title: { display: true, text: '%' } } } } });
}
)";

}  // namespace tenon::train
