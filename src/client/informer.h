// A local copy of one resource, kept up to date by a watch (list, then watch, relist on 410,
// back-off on errors).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "api/meta.h"
#include "async/executor.h"
#include "async/scope.h"
#include "async/wait.h"
#include "base/log.h"
#include "client/client.h"

namespace kpp::client {

// Untyped machinery; use Informer<T>. All objects are shared and immutable; managedFields are left
// out of them.
class InformerBase {
 public:
  using Ref = std::shared_ptr<const api::Object>;
  // Called after the cache changed: old is null for an addition, new is null for a deletion.
  using Handler = std::function<void(const Ref& old_object, const Ref& new_object)>;

  // An empty namespace is all namespaces. Selectors narrow what is watched.
  InformerBase(async::Executor& executor, Client& client, Logger log, const api::TypeDesc& type,
               std::string namespace_ = {}, ListQuery selectors = {});
  InformerBase(const InformerBase&) = delete;
  InformerBase& operator=(const InformerBase&) = delete;
  ~InformerBase();

  // Keeps only the metadata of objects (the rest is as a fresh object has it). Before start().
  void keep_metadata_only() { metadata_only_ = true; }
  bool metadata_only() const { return metadata_only_; }
  void keep_whole() { metadata_only_ = false; }
  const api::TypeDesc& type() const { return type_; }
  // Called with each object before it is kept: takes away what its readers do not look at. Before
  // start().
  void set_trim(std::function<void(api::Object&)> trim) { trim_ = std::move(trim); }

  // Before start(). Handlers run in the order added, on the executor; they must not block: put keys
  // into a queue.
  void add_handler(Handler handler);
  void start();
  // True once the first list is in the cache; false if stopped first.
  async::Task<bool> wait_synced(async::StopToken stop);
  // False if the time passed or it was stopped first.
  async::Task<bool> wait_synced_for(Duration timeout, async::StopToken stop);
  bool synced() const { return synced_.is_set(); }
  async::Task<void> stop();

  Ref get(const api::ObjectKey& key) const;
  std::vector<Ref> all() const;
  std::vector<Ref> in_namespace(const std::string& namespace_) const;
  std::size_t size() const { return objects_.size(); }

 private:
  async::Task<void> run(async::StopToken stop);
  async::Task<Status> list_then_watch(async::StopToken stop);
  void replace(RawList list);
  void apply(const std::string& type, api::Object object);
  void notify(const Ref& old_object, const Ref& new_object);

  async::Executor& executor_;
  Client& client_;
  Logger log_;
  const api::TypeDesc& type_;
  const std::string namespace_;
  const ListQuery selectors_;
  std::vector<Handler> handlers_;  // const after start
  std::map<api::ObjectKey, Ref> objects_;
  std::string resource_version_;
  bool metadata_only_ = false;
  std::function<void(api::Object&)> trim_;  // const after start
  async::Event synced_;
  async::Scope scope_;
};

// Typed view of an informer.
//
// Guarantees: after wait_synced(), the cache holds everything that the list gave; events of one
// object come in order;
//   after a relist, handlers hear of what changed meanwhile as ordinary additions, updates and
//   deletions.
// Runs on: its executor only.
template <class T>
class Informer {
 public:
  using Ref = std::shared_ptr<const T>;
  using Handler = std::function<void(const Ref& old_object, const Ref& new_object)>;

  Informer(async::Executor& executor, Client& client, Logger log, std::string namespace_ = {},
           ListQuery selectors = {})
      : base_(executor, client, std::move(log), T::desc(), std::move(namespace_),
              std::move(selectors)) {}

  void add_handler(Handler handler) {
    base_.add_handler([handler = std::move(handler)](const auto& o, const auto& n) {
      handler(typed(o), typed(n));
    });
  }
  void set_trim(std::function<void(T&)> trim) {
    base_.set_trim([trim = std::move(trim)](api::Object& object) { trim(*object.as<T>()); });
  }
  void start() { base_.start(); }
  async::Task<bool> wait_synced(async::StopToken stop) {
    return base_.wait_synced(std::move(stop));
  }
  bool synced() const { return base_.synced(); }
  async::Task<void> stop() { return base_.stop(); }
  Ref get(const api::ObjectKey& key) const { return typed(base_.get(key)); }
  std::vector<Ref> all() const { return typed_list(base_.all()); }
  std::vector<Ref> in_namespace(const std::string& ns) const {
    return typed_list(base_.in_namespace(ns));
  }
  std::size_t size() const { return base_.size(); }

 private:
  static Ref typed(const InformerBase::Ref& o) { return o ? Ref(o, o->as<T>()) : nullptr; }
  static std::vector<Ref> typed_list(const std::vector<InformerBase::Ref>& in) {
    std::vector<Ref> out;
    out.reserve(in.size());
    for (const auto& o : in) out.push_back(typed(o));
    return out;
  }
  InformerBase base_;
};

}  // namespace kpp::client
