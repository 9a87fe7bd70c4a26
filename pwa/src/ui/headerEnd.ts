import type { Component, InjectionKey, Ref } from 'vue';

/** What an app shows at the end of every header. */
export const HEADER_END: InjectionKey<Readonly<Ref<Component | null>>> = Symbol('header end');
