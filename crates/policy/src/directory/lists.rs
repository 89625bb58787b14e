//! Many short lists in one allocation.

/// For each place `0..n` a list.
pub(crate) struct Lists<T> {
    /// Where the list of a place begins; one more at the end.
    starts: Vec<u32>,
    items: Vec<T>,
}

impl<T> Default for Lists<T> {
    fn default() -> Self {
        Self {
            starts: vec![0],
            items: Vec::new(),
        }
    }
}

impl<T> Lists<T> {
    /// Appends the list of the next place.
    pub(crate) fn push(&mut self, list: impl IntoIterator<Item = T>) {
        self.items.extend(list);
        self.starts.push(place(self.items.len()));
    }

    /// The lists of `count` places out of pairs of place and item, in the order of the pairs. Pairs of places
    /// beyond are left out.
    pub(crate) fn grouped(count: usize, mut pairs: Vec<(u32, T)>) -> Self {
        pairs.sort_by_key(|(place, _)| *place);
        let mut lists = Self::default();
        let mut pairs = pairs.into_iter().peekable();
        for here in 0..place(count) {
            lists.push(std::iter::from_fn(|| {
                pairs.next_if(|(place, _)| *place == here).map(|(_, item)| item)
            }));
        }
        lists
    }

    /// How many items the lists of the places before have.
    pub(crate) fn start(&self, place: u32) -> usize {
        self.starts
            .get(place as usize)
            .map_or(self.items.len(), |start| *start as usize)
    }

    /// The list of a place; empty for one that there is not.
    pub(crate) fn of(&self, place: u32) -> &[T] {
        let place = place as usize;
        let (Some(&from), Some(&to)) = (self.starts.get(place), self.starts.get(place + 1)) else {
            return &[];
        };
        self.items.get(from as usize..to as usize).unwrap_or_default()
    }
}

/// A place as it is kept. Four thousand million rows do not fit into memory, so nothing is cut.
pub(crate) fn place(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
