// SPDX-License-Identifier: Apache-2.0
// Makes previews in the background. The newest request wins; the caller never waits.
#pragma once

#include <QObject>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "preview/preview_render.hpp"

namespace tessera::desktop {

/// Two threads: one answers at once from a copy small enough for it, then from one as fine as the screen, and
/// with the exact pixels of what is visible where operators allow; the other, once requests have stopped
/// coming, runs the whole picture where a copy is not faithful.
class PreviewEngine : public QObject {
  Q_OBJECT

 public:
  explicit PreviewEngine(std::shared_ptr<ImageStore> store, QObject* parent = nullptr);
  ~PreviewEngine() override;

  /// Returns the request's number. Of older ones, only what was nearly done is still delivered, so that the
  /// picture follows a moving slider.
  std::uint64_t request(PreviewRequest request);
  /// The number of the newest request; 0 before the first.
  [[nodiscard]] std::uint64_t newest() const;
  /// What is under way is given up.
  void cancel();

 Q_SIGNALS:
  /// On the thread of this object. Several for one request, each better than the one before.
  void result_ready(const tessera::desktop::PreviewResult& result);
  /// The whole picture is being processed: 0..1; 1 when that is over.
  void full_size_progress(double fraction);

 private:
  struct Job {
    std::uint64_t number = 0;
    PreviewRequest request;
  };
  /// The result of the last run over a whole picture: looking around in it takes no further run.
  struct ExactResult {
    PreviewRequest request;
    std::shared_ptr<const HeldImage> source;
    std::shared_ptr<const HeldImage> result;
    Histogram histogram;
    std::vector<Findings> findings;
    double milliseconds = 0;
  };
  struct Work;  ///< what the passes over one request share

  void quick_loop(const std::stop_token& stop);
  void exact_loop(const std::stop_token& stop);
  void run_quick(const Job& job, const std::stop_token& superseded, const std::stop_token& other_file);
  /// One pass over a copy; false if operators refuse it.
  bool run_copy(Work& work, double scale, bool last, const std::stop_token& stop);
  void run_region_pass(Work& work, bool last, const std::stop_token& stop);
  void run_exact(const Job& job, const std::stop_token& stop);
  void ask_for_exact(const Job& job);
  void deliver(PreviewResult result);
  void deliver_exact(const Job& job, const ExactResult& exact);
  [[nodiscard]] static bool same_work(const PreviewRequest& a, const PreviewRequest& b);

  std::shared_ptr<ImageStore> store_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::uint64_t newest_ = 0;
  std::uint64_t shown_ = 0;
  std::filesystem::path newest_file_;
  std::optional<Job> quick_next_;
  std::filesystem::path quick_file_;
  std::stop_source quick_stop_;  ///< asked by any newer request
  std::stop_source file_stop_;   ///< asked by a request for another picture
  std::optional<Job> exact_next_;
  std::optional<Job>
      exact_running_;  ///< its number and view are those of the newest request for the same work
  std::stop_source exact_stop_;
  std::shared_ptr<const ExactResult> last_exact_;
  CopyCache copies_;         ///< of the quick thread
  CopyCache exact_sources_;  ///< of the exact one, as is the next
  CopyCache exact_results_;
  CostModel costs_;  ///< of the quick thread
  std::jthread quick_thread_;
  std::jthread exact_thread_;
};

}  // namespace tessera::desktop
