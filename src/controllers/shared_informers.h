// One informer for each resource that any controller watches.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "client/informer.h"

namespace kpp::controllers {

// Ownership: owns the informers; executor and client must outlive it.
// Stop: stop() after the controllers that use it.
class SharedInformers {
 public:
  SharedInformers(async::Executor& executor, client::Client& client, Logger log)
      : executor_(executor), client_(client), log_(std::move(log)) {}

  // The informer of a resource in all namespaces; made at first use. Before start().
  client::InformerBase& get(const api::TypeDesc& type);
  // As get(), for one who reads metadata only: whole objects are kept only if somebody else asked
  // for them.
  client::InformerBase& get_metadata(const api::TypeDesc& type);
  // The informer of a part of a resource: of a namespace, by selectors.
  client::InformerBase& get_part(const api::TypeDesc& type, const std::string& namespace_,
                                 const client::ListQuery& selectors);
  void start();
  async::Task<void> stop();

 private:
  client::InformerBase& make(const api::TypeDesc& type, bool& made);

  async::Executor& executor_;
  client::Client& client_;
  Logger log_;
  std::map<const api::TypeDesc*, std::unique_ptr<client::InformerBase>> informers_;
  std::map<std::string, std::unique_ptr<client::InformerBase>> parts_;
};

// Typed view of a shared informer. Copies are cheap.
template <class T>
class Lister {
 public:
  using Ref = std::shared_ptr<const T>;

  explicit Lister(client::InformerBase& informer) : informer_(&informer) {}

  Ref get(const api::ObjectKey& key) const { return typed(informer_->get(key)); }
  std::vector<Ref> all() const { return typed_list(informer_->all()); }
  std::vector<Ref> in_namespace(const std::string& ns) const {
    return typed_list(informer_->in_namespace(ns));
  }
  static Ref typed(const client::InformerBase::Ref& o) { return o ? Ref(o, o->as<T>()) : nullptr; }

 private:
  static std::vector<Ref> typed_list(const std::vector<client::InformerBase::Ref>& in) {
    std::vector<Ref> out;
    out.reserve(in.size());
    for (const auto& o : in) out.push_back(typed(o));
    return out;
  }
  client::InformerBase* informer_;
};

}  // namespace kpp::controllers
