export default function Confirm({ done }: { done: () => void }) {
  return <button onClick={done}>Confirm</button>;
}
