package main

import (
	"container/list"
	"sync"
)

// memo keeps results under a key of everything that they depend on, up to a limit. The
// least recently used result is dropped first. The zero value keeps up to memoLimit
// results.
type memo[T any] struct {
	mu    sync.Mutex
	limit int
	// weigh returns how much a result counts; 1 if weigh is nil.
	weigh func(key string, value T) int
	total int
	made  map[string]*list.Element
	// used has the most recently used result in front.
	used *list.List
}

type memoEntry[T any] struct {
	key    string
	value  T
	weight int
}

const memoLimit = 256

// get returns the result of an earlier make for the same key, or makes it. An error is
// not kept. Two callers that ask at the same time may both make it.
func (m *memo[T]) get(key string, make func() (T, error)) (T, error) {
	if value, ok := m.find(key); ok {
		return value, nil
	}
	value, err := make()
	if err == nil {
		m.keep(key, value)
	}
	return value, err
}

func (m *memo[T]) find(key string) (value T, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	element, ok := m.made[key]
	if !ok {
		return value, false
	}
	m.used.MoveToFront(element)
	return element.Value.(*memoEntry[T]).value, true
}

// take returns a result and stops keeping it, so that the caller may change it.
func (m *memo[T]) take(key string) (value T, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	element, ok := m.made[key]
	if !ok {
		return value, false
	}
	return m.drop(element), true
}

func (m *memo[T]) keep(key string, value T) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.made == nil {
		m.made, m.used = map[string]*list.Element{}, list.New()
	}
	if _, ok := m.made[key]; ok {
		return
	}
	entry := &memoEntry[T]{key, value, 1}
	if m.weigh != nil {
		entry.weight = m.weigh(key, value)
	}
	m.made[key] = m.used.PushFront(entry)
	m.total += entry.weight
	limit := memoLimit
	if m.limit > 0 {
		limit = m.limit
	}
	for m.total > limit {
		m.drop(m.used.Back())
	}
}

func (m *memo[T]) drop(element *list.Element) T {
	entry := m.used.Remove(element).(*memoEntry[T])
	delete(m.made, entry.key)
	m.total -= entry.weight
	return entry.value
}
