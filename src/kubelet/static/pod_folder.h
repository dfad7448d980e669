// The manifests of a folder (or of one file) on the node.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "api/corev1.h"
#include "async/executor.h"
#include "async/scope.h"
#include "async/wait.h"
#include "base/log.h"

namespace kpp::kubelet {

// Guarantees: `changed` is called with all pods of the folder once it was read first, and whenever
// they became others.
//   A file that cannot be used is said in the log once and left out; the pod that it held before
//   stays until it can be.
// The folder is looked at every second: it may lie on a file system that tells nobody of changes,
// and may not be there yet.
// Runs on: its executor; files are read on the pool.
class PodFolder {
 public:
  using Pods = std::map<std::string, std::shared_ptr<const corev1::Pod>>;  // by uid
  using Changed = std::function<void(const Pods& pods)>;

  PodFolder(async::Executor& executor, async::ThreadPool& pool, Logger log, std::string path,
            std::string node_name, Changed changed);
  PodFolder(const PodFolder&) = delete;
  PodFolder& operator=(const PodFolder&) = delete;

  void start();
  async::Task<void> stop();

 private:
  using Texts = std::map<std::string, std::string>;  // by file name

  static Texts read(const std::string& path);
  async::Task<void> run();
  void take(Texts texts);

  async::Executor& executor_;
  async::ThreadPool& pool_;
  Logger log_;
  const std::string path_;
  const std::string node_name_;
  Changed changed_;
  Texts seen_;
  std::map<std::string, std::shared_ptr<const corev1::Pod>> by_file_;
  bool read_once_ = false;
  async::Scope scope_;
};

}  // namespace kpp::kubelet
