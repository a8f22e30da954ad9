// SPDX-License-Identifier: Apache-2.0
#include "preview/preview_engine.hpp"

#include <QMetaObject>
#include <algorithm>
#include <chrono>
#include <cmath>

#include "codec/reader.hpp"
#include "preview/region_run.hpp"
#include "preview/scaled_pipeline.hpp"
#include "preview/visible_part.hpp"
#include "process/image_input.hpp"
#include "process/reduced_loading.hpp"

namespace tessera::desktop {
namespace {

/// For the first answer to a moved slider.
constexpr double first_answer_ms = 60;
/// A region that is expected to take no longer is the first answer itself.
constexpr double region_first_ms = 120;
/// Without new requests for so long, the whole picture is worth processing.
constexpr std::chrono::milliseconds settle_time{200};

}  // namespace

/// What the passes over one request share.
struct PreviewEngine::Work {
  const Job& job;
  std::shared_ptr<const HeldImage> image;
  Plan plan;
  PreviewResult result;   ///< filled by and by
  double copy_scale = 1;  ///< of the finest copy worth making
  bool wants_detail = false;
  Rect visible;
};

PreviewEngine::PreviewEngine(std::shared_ptr<ImageStore> store, QObject* parent)
    : QObject(parent),
      store_(std::move(store)),
      quick_thread_([this](const std::stop_token& stop) { quick_loop(stop); }),
      exact_thread_([this](const std::stop_token& stop) { exact_loop(stop); }) {}

PreviewEngine::~PreviewEngine() { cancel(); }

bool PreviewEngine::same_work(const PreviewRequest& a, const PreviewRequest& b) {
  return a.file == b.file && a.pipeline == b.pipeline;
}

std::uint64_t PreviewEngine::request(PreviewRequest request) {
  const std::scoped_lock lock(mutex_);
  Job job{++newest_, std::move(request)};
  newest_file_ = job.request.file;
  quick_stop_.request_stop();
  if (job.request.file != quick_file_) {
    file_stop_.request_stop();
  }
  if (exact_running_ && same_work(exact_running_->request, job.request)) {
    exact_running_ = job;
  } else {
    exact_stop_.request_stop();
  }
  exact_next_.reset();
  quick_next_ = std::move(job);
  changed_.notify_all();
  return newest_;
}

std::uint64_t PreviewEngine::newest() const {
  const std::scoped_lock lock(mutex_);
  return newest_;
}

void PreviewEngine::cancel() {
  const std::scoped_lock lock(mutex_);
  ++newest_;
  newest_file_.clear();
  quick_next_.reset();
  exact_next_.reset();
  quick_stop_.request_stop();
  file_stop_.request_stop();
  exact_stop_.request_stop();
  changed_.notify_all();
}

void PreviewEngine::quick_loop(const std::stop_token& stop) {
  while (true) {
    Job job;
    std::stop_token superseded;
    std::stop_token other_file;
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [this] { return quick_next_.has_value(); })) {
        return;
      }
      job = std::move(*quick_next_);
      quick_next_.reset();
      quick_file_ = job.request.file;
      quick_stop_ = {};
      file_stop_ = {};
      superseded = quick_stop_.get_token();
      other_file = file_stop_.get_token();
    }
    try {
      run_quick(job, superseded, other_file);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::cancelled) {
        PreviewResult failed;
        failed.number = job.number;
        failed.file = job.request.file;
        failed.error = QString::fromUtf8(error.what());
        failed.final = true;
        deliver(std::move(failed));
      }
    } catch (const std::exception& error) {
      PreviewResult failed;
      failed.number = job.number;
      failed.file = job.request.file;
      failed.error = tr("The preview failed: %1").arg(QString::fromUtf8(error.what()));
      failed.final = true;
      deliver(std::move(failed));
    }
  }
}

void PreviewEngine::run_quick(const Job& job, const std::stop_token& superseded,
                              const std::stop_token& other_file) {
  const PreviewRequest& request = job.request;
  Work work{job, store_->load(request.file, other_file), {}, {}, 1, false, {}};
  const ImageInfo& in = work.image->info;
  work.result.number = job.number;
  work.result.file = request.file;
  work.result.in = in;
  const double min_scale = fit_zoom(request.viewport, in.extent);
  work.result.before.full_size = size_of(in.extent);
  try {
    work.plan = make_plan(build_pipeline(request.pipeline, scaled_loader(store_, 1)), in);
  } catch (const Error& error) {
    work.result.error = QString::fromUtf8(error.what());
    work.result.before.scaled = copies_.image_at(work.image, rounded_scale(min_scale));
    work.result.final = true;
    deliver(std::move(work.result));
    return;
  }
  const ImageInfo& out = work.plan.out;
  work.result.out = out;
  const double zoom = std::min(1.0, request.zoom.value_or(fit_zoom(request.viewport, out.extent)));
  work.copy_scale = std::min(copy_scale_for(in.extent, out.extent, zoom), work.image->scale());
  work.visible = part_to_make(request.visible, out.extent);
  work.wants_detail = request.zoom && !request.visible.isEmpty() && zoom > work.copy_scale * 1.01;
  {
    const std::scoped_lock lock(mutex_);
    if (last_exact_ && same_work(last_exact_->request, request) && last_exact_->source == work.image) {
      exact_next_ = job;
      changed_.notify_all();
      return;
    }
  }
  const bool local = is_local(work.plan);
  const bool region = work.wants_detail && local && work.image->whole() &&
                      work.visible.width * work.visible.height <= max_detail_pixels;
  const Plan scaled_for_notes = [&] {
    try {
      const Tile& copy = copies_.at(work.image, work.copy_scale);
      return make_scaled_plan(request.pipeline, work.copy_scale,
                              {{copy.rect.width, copy.rect.height}, in.format},
                              scaled_loader(store_, work.copy_scale));
    } catch (const Error&) {
      return work.plan;  // the copy will be refused when it is run, and the whole picture take its place
    }
  }();
  const auto notes = approximations(work.plan, scaled_for_notes, work.copy_scale);
  const bool whole_run = request.full_size_allowed && work.image->whole() && work.copy_scale < 1 && !region &&
                         (!notes.empty() || work.wants_detail);
  if (work.copy_scale < 1) {
    work.result.approximate_because = sentences(notes);
  }
  const bool region_first =
      region && costs_.affordable_scale({{"region"}}, {work.visible.width, work.visible.height}, 1,
                                        region_first_ms) >= 1;
  if (region_first) {
    run_region_pass(work, false, other_file);
  }
  const double first_scale =
      std::min(work.copy_scale,
               costs_.affordable_scale(request.pipeline, in.extent, work.copy_scale, first_answer_ms));
  const bool one_pass = first_scale >= work.copy_scale;
  bool shown = run_copy(work, first_scale, one_pass && !whole_run && (!region || region_first), other_file);
  if (shown && !one_pass) {
    shown = run_copy(work, work.copy_scale, !whole_run && (!region || region_first), superseded);
  }
  if (region && !region_first) {
    run_region_pass(work, true, superseded);
  }
  if (whole_run || !shown) {
    ask_for_exact(job);
  }
}

bool PreviewEngine::run_copy(Work& work, double scale, bool last, const std::stop_token& stop) {
  const PreviewRequest& request = work.job.request;
  const Tile& copy = copies_.at(work.image, scale);
  RunResult run;
  if (request.pipeline.empty()) {
    run.pixels = copy;
  } else {
    Plan plan;
    try {
      plan = make_scaled_plan(request.pipeline, scale,
                              {{copy.rect.width, copy.rect.height}, work.result.in.format},
                              scaled_loader(store_, scale));
    } catch (const Error&) {
      return false;
    }
    const auto begin = std::chrono::steady_clock::now();
    try {
      run = run_in_memory(plan, copy, stop);
    } catch (const Error& error) {
      const std::chrono::duration<double, std::milli> taken = std::chrono::steady_clock::now() - begin;
      if (error.code() == ErrorCode::cancelled) {
        costs_.learn(request.pipeline, static_cast<double>(copy.rect.width * copy.rect.height),
                     taken.count());
      }
      throw;
    }
    costs_.learn(request.pipeline, static_cast<double>(copy.rect.width * copy.rect.height), run.milliseconds);
  }
  PreviewResult& result = work.result;
  result.before.scaled = copies_.image_at(work.image, work.copy_scale);
  result.after.full_size = size_of(result.out.extent);
  result.after.scaled = to_image(run.pixels, work.image->icc);
  if (work.wants_detail && result.before.detail.isNull()) {
    add_detail(result.before, *work.image, under(work.visible, result.out.extent, result.in.extent));
  }
  const bool real = scale >= 1 && work.image->whole();
  if (result.quality == PreviewQuality::copy && real) {
    result.quality = PreviewQuality::exact;
    result.findings = run.findings;
  }
  result.histogram_before = histogram_of(copy);
  result.histogram_after = histogram_of(run.pixels);
  result.milliseconds = run.milliseconds;
  result.final = last;
  deliver(result);
  return true;
}

void PreviewEngine::run_region_pass(Work& work, bool last, const std::stop_token& stop) {
  const auto begin = std::chrono::steady_clock::now();
  PreviewResult& result = work.result;
  const Rect needs = region_needs(work.plan, work.visible);
  const Tile pixels = run_region(work.plan, work.visible, work.image->pixels.view(needs), stop);
  const std::chrono::duration<double, std::milli> taken = std::chrono::steady_clock::now() - begin;
  costs_.learn({{"region"}}, static_cast<double>(work.visible.width * work.visible.height), taken.count());
  add_detail(result.before, *work.image, under(work.visible, result.out.extent, result.in.extent));
  result.after.full_size = size_of(result.out.extent);
  result.after.detail_rect = to_qrect(work.visible);
  result.after.detail = to_image(pixels, work.image->icc);
  result.quality = PreviewQuality::region;
  result.approximate_because.clear();
  result.milliseconds = taken.count();
  result.final = last;
  deliver(result);
}

void PreviewEngine::ask_for_exact(const Job& job) {
  const std::scoped_lock lock(mutex_);
  if (job.number == newest_ && !(exact_running_ && same_work(exact_running_->request, job.request))) {
    exact_next_ = job;
    changed_.notify_all();
  }
}

void PreviewEngine::exact_loop(const std::stop_token& stop) {
  while (true) {
    Job job;
    std::stop_token superseded;
    std::shared_ptr<const ExactResult> known;
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [this] { return exact_next_.has_value(); })) {
        return;
      }
      job = *exact_next_;
      if (last_exact_ && same_work(last_exact_->request, job.request)) {
        known = last_exact_;
        exact_next_.reset();
      } else {
        const std::uint64_t number = job.number;
        if (changed_.wait_for(lock, stop, settle_time, [&] { return newest_ != number; }) ||
            stop.stop_requested() || !exact_next_) {
          continue;
        }
        exact_next_.reset();
        exact_running_ = job;
        exact_stop_ = {};
        superseded = exact_stop_.get_token();
      }
    }
    if (known) {
      deliver_exact(job, *known);
      continue;
    }
    QString failure;
    try {
      run_exact(job, superseded);
    } catch (const Error& error) {
      failure = error.code() == ErrorCode::cancelled ? QString() : QString::fromUtf8(error.what());
    } catch (const std::exception& error) {
      failure = tr("The preview failed: %1").arg(QString::fromUtf8(error.what()));
    }
    {
      const std::scoped_lock lock(mutex_);
      exact_running_.reset();
    }
    QMetaObject::invokeMethod(
        this, [this] { Q_EMIT full_size_progress(1); }, Qt::QueuedConnection);
    if (!failure.isEmpty()) {
      PreviewResult failed;
      failed.number = job.number;
      failed.file = job.request.file;
      failed.error = failure;
      failed.final = true;
      deliver(std::move(failed));
    }
  }
}

void PreviewEngine::run_exact(const Job& job, const std::stop_token& stop) {
  const auto image = store_->load(job.request.file, stop);
  const std::vector<Operator> operators = build_pipeline(job.request.pipeline, scaled_loader(store_, 1));
  // The jobs' result to the byte, so a picture that is made much smaller is loaded as they load it.
  const std::unique_ptr<Source> source = open_image(job.request.file);
  const int factor = reduce_at_loading(*source, operators);
  const Tile pixels = factor > 1 ? read_whole(*source) : image->pixels;
  const Plan plan = make_plan(operators_after_loading(operators, image->info.extent, factor), source->info());
  const auto report = [this](double fraction) {
    QMetaObject::invokeMethod(
        this, [this, fraction] { Q_EMIT full_size_progress(fraction); }, Qt::QueuedConnection);
  };
  report(0);
  RunResult run = run_in_memory(plan, pixels, stop, report);
  auto result = std::make_shared<HeldImage>();
  result->info = plan.out;
  result->icc = image->icc;
  result->pixels = std::move(run.pixels);
  auto exact = std::make_shared<ExactResult>();
  exact->request = job.request;
  exact->source = image;
  exact->histogram = histogram_of(result->pixels);
  exact->result = std::move(result);
  exact->findings = std::move(run.findings);
  exact->milliseconds = run.milliseconds;
  Job newest;
  {
    const std::scoped_lock lock(mutex_);
    last_exact_ = exact;
    newest = *exact_running_;
  }
  deliver_exact(newest, *exact);
}

void PreviewEngine::deliver_exact(const Job& job, const ExactResult& exact) {
  PreviewResult result;
  const PreviewRequest& request = job.request;
  result.number = job.number;
  result.file = request.file;
  result.in = exact.source->info;
  result.out = exact.result->info;
  const double zoom = std::min(1.0, request.zoom.value_or(fit_zoom(request.viewport, result.out.extent)));
  const double scale = copy_scale_for(result.in.extent, result.out.extent, zoom);
  result.before.full_size = size_of(result.in.extent);
  result.before.scaled = exact_sources_.image_at(exact.source, scale);
  result.after.full_size = size_of(result.out.extent);
  result.after.scaled = exact_results_.image_at(exact.result, scale);
  if (request.zoom && zoom > scale * 1.01) {
    const Rect visible = part_to_make(request.visible, result.out.extent);
    add_detail(result.before, *exact.source, under(visible, result.out.extent, result.in.extent));
    add_detail(result.after, *exact.result, visible);
  }
  result.quality = PreviewQuality::exact;
  result.final = true;
  result.histogram_before = histogram_of(exact_sources_.at(exact.source, scale));
  result.histogram_after = exact.histogram;
  result.milliseconds = exact.milliseconds;
  result.findings = exact.findings;
  deliver(std::move(result));
}

void PreviewEngine::deliver(PreviewResult result) {
  QMetaObject::invokeMethod(
      this,
      [this, result = std::move(result)] {
        {
          const std::scoped_lock lock(mutex_);
          // Results of a first pass that a newer request did not stop are worth showing: the picture follows
          // the slider.
          if (result.number < shown_ || result.file != newest_file_) {
            return;
          }
          shown_ = result.number;
        }
        Q_EMIT result_ready(result);
      },
      Qt::QueuedConnection);
}

}  // namespace tessera::desktop
