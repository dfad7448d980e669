#include "controllers/shared_informers.h"

namespace kpp::controllers {

client::InformerBase& SharedInformers::make(const api::TypeDesc& type, bool& made) {
  auto& slot = informers_[&type];
  made = !slot;
  if (made)
    slot = std::make_unique<client::InformerBase>(executor_, client_, log_.named("informer"), type);
  return *slot;
}

client::InformerBase& SharedInformers::get(const api::TypeDesc& type) {
  bool made = false;
  client::InformerBase& informer = make(type, made);
  informer.keep_whole();
  return informer;
}

client::InformerBase& SharedInformers::get_metadata(const api::TypeDesc& type) {
  bool made = false;
  client::InformerBase& informer = make(type, made);
  if (made) informer.keep_metadata_only();
  return informer;
}

client::InformerBase& SharedInformers::get_part(const api::TypeDesc& type,
                                                const std::string& namespace_,
                                                const client::ListQuery& selectors) {
  auto& slot = parts_[cat(type.name, "/", namespace_, "/", selectors.label_selector, "/",
                          selectors.field_selector)];
  if (!slot) {
    slot = std::make_unique<client::InformerBase>(executor_, client_, log_.named("informer"), type,
                                                  namespace_, selectors);
  }
  return *slot;
}

void SharedInformers::start() {
  for (auto& [type, informer] : informers_) informer->start();
  for (auto& [name, informer] : parts_) informer->start();
}

async::Task<void> SharedInformers::stop() {
  for (auto& [type, informer] : informers_) co_await informer->stop();
  for (auto& [name, informer] : parts_) co_await informer->stop();
}

}  // namespace kpp::controllers
