import { useEffect, useState } from 'react';
import { Notice } from './Notice';

const LONG_MS = 8_000;

/** After a while of nothing: what that means, and that nobody needs to sit and watch. */
export function Patience() {
  const [long, setLong] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLong(true), LONG_MS);
    return () => clearTimeout(timer);
  }, []);
  if (!long) return null;
  return (
    <div className="mt-6">
      <Notice live>
        This takes longer than usual: the payment provider or one of our services is slow to answer, and we keep asking.
        You can close this page. Either the order is confirmed, or nothing is owed; there is no in between.
      </Notice>
    </div>
  );
}
